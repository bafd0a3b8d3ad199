package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/isplicense/license-bot/internal/isplicense"
)

// Check is a question to one of those whom the bot works with: who are we to you?
type Check struct {
	Name string
	Ask  func(ctx context.Context) (found string, err error)
}

// Checks gives a question to everybody whom the settings turn on. The error says
// what is wrong and how to mend it, in a line each.
func (a *App) Checks() []Check {
	checks := []Check{{"panel", a.checkPanel}}
	if a.slack != nil {
		checks = append(checks, Check{"slack", a.slack.Check})
	}
	if a.telegram != nil {
		checks = append(checks, Check{"telegram", a.telegram.Check})
	}
	return checks
}

func (a *App) checkPanel(ctx context.Context) (string, error) {
	who, err := a.panel.WhoAmI(ctx)
	if err == nil && who == "" {
		who = "the login is good" // an answer in a form that names nobody
	}
	if err == nil {
		return fmt.Sprintf("%s at %s", who, string(a.settings.PanelURL)), nil
	}
	var re *isplicense.ReadError
	if !errors.As(err, &re) {
		return "", err
	}
	why := string(re.Reason)
	switch re.Reason {
	case isplicense.NotSent:
		why = "it could not be reached"
	case isplicense.Timeout:
		why = "it did not answer in time"
	}
	if re.Message != "" {
		why += " (" + re.Message + ")"
	}
	return "", fmt.Errorf("%s; %s", why, mend(re.Reason))
}

// mend says what an operator can do about a panel that can't be read.
func mend(why isplicense.Reason) string {
	switch why {
	case isplicense.Auth:
		return "check ISPLICENSE_USER and ISPLICENSE_PASSWORD, and in the panel from which addresses the account may be used"
	case isplicense.TwoFactor:
		return "switch the second factor off for the bot's account, or give it an account without one"
	case isplicense.Forbidden:
		return "give the account the right to see its licences"
	case isplicense.NotSent, isplicense.Timeout:
		return "check ISPLICENSE_URL, and that this machine may reach it"
	case isplicense.Maintenance, isplicense.Captcha:
		return "something stands before the panel; open ISPLICENSE_URL in a browser from this machine"
	}
	return "check that ISPLICENSE_URL is the panel's own address, ending in /billmgr"
}
