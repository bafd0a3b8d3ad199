package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	slackgo "github.com/slack-go/slack"
)

// Check asks Slack who we are: the bot's name and workspace. The error says all that
// is wrong, in a line each, and what to do about it.
func (a *Adapter) Check(ctx context.Context) (who string, err error) {
	var wrong []error
	granted, err := a.authTest(ctx)
	_, refused := errors.AsType[*tokenError](err)
	switch missing := missingScopes(granted); {
	case err != nil:
		wrong = append(wrong, advise("SLACK_BOT_TOKEN", "the Bot User OAuth Token", err))
	case len(missing) > 0:
		wrong = append(wrong, fmt.Errorf("the app lacks %s: give it the scopes of `bot manifest` and install it again", strings.Join(missing, ", ")))
	}
	if home := a.home.Load(); home != nil {
		who = fmt.Sprintf("%s in %s (%s)", home.user, home.name, home.team)
	}
	if a.cfg.AppToken == "" || err != nil && !refused {
		return who, errors.Join(wrong...) // a Slack that can't be asked is told of once
	}
	// Opening asks for an address and connects nowhere.
	err = a.call(methodConnect, "", func() error {
		_, address, err := a.api.StartSocketModeContext(ctx)
		return answered(address, err)
	})
	if err != nil {
		wrong = append(wrong, advise("SLACK_APP_TOKEN", "an app-level token with the scope connections:write", err))
	}
	return who, errors.Join(wrong...)
}

// advise names the setting where the token is at fault.
func advise(setting, what string, err error) error {
	if _, ok := errors.AsType[*tokenError](err); ok {
		return fmt.Errorf("%s: %w: set it to %s of the app's page on api.slack.com", setting, err, what)
	}
	return fmt.Errorf("Slack can't be asked: %w; check the network and SLACK_API_URL", err)
}

// authTest asks who we are and keeps what Link needs. It gives the token's scopes,
// nil where the answer does not tell them.
func (a *Adapter) authTest(ctx context.Context) (scopes []string, err error) {
	var r *slackgo.AuthTestResponse
	err = a.call(methodAuth, "", func() (err error) {
		if r, err = a.api.AuthTestContext(ctx); err != nil {
			return err
		}
		return answered(r.TeamID, nil)
	})
	if err != nil {
		return nil, err
	}
	home := &workspace{team: r.TeamID, name: r.Team, user: r.User}
	if strings.HasPrefix(r.URL, "https://") || strings.HasPrefix(r.URL, "http://") {
		home.url = strings.TrimRight(r.URL, "/") + "/"
	}
	a.home.Store(home)
	for s := range strings.SplitSeq(r.Header.Get("X-OAuth-Scopes"), ",") {
		if s = strings.TrimSpace(s); s != "" {
			scopes = append(scopes, s)
		}
	}
	return scopes, nil
}

func missingScopes(granted []string) []string {
	if granted == nil {
		return nil
	}
	var missing []string
	for _, s := range scopes {
		if !slices.Contains(granted, s.name) {
			missing = append(missing, s.name)
		}
	}
	return missing
}
