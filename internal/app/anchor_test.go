package app_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	_ "time/tzdata" // as in the binary

	"github.com/isplicense/license-bot/internal/license"
	"github.com/isplicense/license-bot/internal/requests"
	"github.com/isplicense/license-bot/internal/sandbox"
	"github.com/isplicense/license-bot/internal/sandbox/slackserver"
	"github.com/isplicense/license-bot/internal/settings"
	"github.com/isplicense/license-bot/internal/store"
)

// clock is a wall clock that can be set, of the bot and of everybody around it.
type clock struct{ ahead atomic.Int64 }

func (c *clock) Now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) jump(d time.Duration) { c.ahead.Add(int64(d)) }

func (c *clock) set(t time.Time) { c.jump(t.Sub(c.Now())) }

// onAClock plays a scene with Slack alone and a clock that can be set; edit changes
// the settings once the channel is there.
func onAClock(t *testing.T, edit func(*rig), scene func(*rig, *clock), changes ...change) {
	t.Helper()
	c := &clock{}
	changes = append(changes, func(s *settings.Settings, o *sandbox.Options) {
		s.TelegramToken, o.Now = settings.Secret{}, c.Now
	})
	played(t, func(r *rig) {
		r.stop()
		r.around.Now = c.Now
		edit(r)
		r.start()
		scene(r, c)
	}, changes...)
}

// anchored plays a scene in which each day's last hash is posted in the channel.
func anchored(t *testing.T, zone string, scene func(*rig, *clock)) {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	onAClock(t, func(r *rig) {
		r.settings.AuditAnchor = settings.Places{{Transport: "slack", ID: r.licenses.ID()}}
		r.settings.TimeZone = settings.Zone{Location: z}
	}, scene)
}

// note adds an entry to the trail and gives its hash.
func (r *rig) note(detail string) (hash string) {
	r.Helper()
	err := r.app.Audit(func(s *store.Store) error {
		return s.Update(r.Context(), func(tx *store.Tx) error {
			e, err := tx.Append(requests.Entry{Event: requests.EventRefused, Actor: requests.Bot, Detail: detail})
			hash = e.Hash
			return err
		})
	})
	if err != nil {
		r.Fatal(err)
	}
	return hash
}

// anchors is what the channel has of the trail: "date hash" of each post.
func (r *rig) anchors() (all []string) {
	for _, m := range r.licenses.Messages() {
		_, rest, ok := strings.Cut(m.Text, "Audit trail on ")
		if !ok {
			continue
		}
		day, _, _ := strings.Cut(rest, ":")
		_, hash, _ := strings.Cut(rest, "--anchor ")
		all = append(all, day+" "+strings.Trim(strings.TrimSpace(hash), "`"))
	}
	return all
}

// posted compares what the channel has with what it should have, some time later.
func (r *rig) posted(want ...string) {
	r.Helper()
	time.Sleep(time.Minute)
	if got := r.anchors(); !slices.Equal(got, want) {
		r.Errorf("posted are\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}
}

// verify checks the trail as somebody does who has kept a post.
func (r *rig) verify(post string) error {
	_, hash, _ := strings.Cut(post, " ")
	return r.app.Audit(func(s *store.Store) error { return store.Verify(s.Entries(1), hash) })
}

func TestEachDaysLastHashIsPosted(t *testing.T) {
	anchored(t, "UTC", func(r *rig, c *clock) {
		r.note("first")
		one := "2000-01-01 " + r.note("last of the day")
		r.posted()
		time.Sleep(24*time.Hour - time.Minute) // in the clock's own pace
		r.posted(one)
		r.note("of the next day")
		two := "2000-01-02 " + r.note("and its last")
		r.posted(one)
		c.set(time.Date(2000, 1, 3, 0, 0, 0, 0, time.UTC))
		r.posted(one, two)

		// On a day on which nothing happened the same hash says so.
		c.jump(24 * time.Hour)
		three := strings.Replace(two, "02", "03", 1)
		r.posted(one, two, three)
		for range 3 {
			r.stop()
			r.start()
		}
		r.posted(one, two, three)

		// After a month away there is one, of all that was before.
		end := r.note("before the month")
		r.stop()
		c.set(time.Date(2000, 2, 4, 12, 0, 0, 0, time.UTC))
		r.start()
		r.note("after the month")
		four := "2000-02-03 " + end
		r.posted(one, two, three, four)
		for _, post := range []string{one, two, three, four} {
			if err := r.verify(post); err != nil {
				r.Error(post, err)
			}
		}
	})
}

func TestADayBeginsWhereItsZoneBeginsIt(t *testing.T) {
	for zone, day := range map[string]license.Date{
		"Asia/Tokyo": "2000-03-01", "America/St_Johns": "2000-04-02", // changed at 00:01
		"Asia/Beirut": "2000-03-26", "Africa/Cairo": "2000-04-28", // these days have no midnight
		"America/Sao_Paulo": "2000-02-27", "America/Havana": "2000-10-29", // an hour comes twice around it
		"Pacific/Apia": "2011-12-31", // and the day before it never was
	} {
		t.Run(zone, func(t *testing.T) {
			anchored(t, zone, func(r *rig, c *clock) {
				z := r.settings.TimeZone.Location
				begins := day.Time(time.UTC).Add(-26 * time.Hour)
				before := license.DateOf(begins.In(z))
				for at := begins; license.DateOf(at.In(z)) <= day; at = at.Add(time.Minute) {
					if license.DateOf(at.In(z)) < day {
						before, begins = license.DateOf(at.In(z)), at.Add(time.Minute)
					}
				}
				c.set(begins.Add(-30 * time.Minute))
				time.Sleep(time.Minute)
				had := r.anchors()
				last := r.note("late in the evening")
				r.posted(had...)
				c.set(begins.Add(time.Second))
				r.note("early in the morning")
				r.posted(append(had, string(before)+" "+last)...)
				time.Sleep(3 * time.Hour)
				r.posted(append(had, string(before)+" "+last)...)
			})
		})
	}
}

func TestAnAnchorIsPostedOnceWhateverFails(t *testing.T) {
	for name, fault := range map[string]slackserver.Break{
		"refused":            {Times: 3, Status: 503},
		"lost before":        {Times: 2, Drop: true},
		"lost afterwards":    {Times: 1, Drop: true, After: true},
		"cut afterwards":     {Times: 1, Cut: true, After: true},
		"limited":            {Times: 2, Status: 429},
		"limited for long":   {Times: 1, Status: 429, Header: map[string]string{"Retry-After": "3600"}},
		"away for two hours": {Drop: true},
	} {
		t.Run(name, func(t *testing.T) {
			anchored(t, "UTC", func(r *rig, c *clock) {
				one := "2000-01-01 " + r.note("last of the day")
				fault.Method = "chat.postMessage"
				r.world.Slack.Break(fault)
				c.set(time.Date(2000, 1, 2, 0, 0, 1, 0, time.UTC))
				time.Sleep(2 * time.Hour)
				if fault.Times == 0 {
					r.posted()
					r.stop()
					r.start()
					r.world.Slack.Mend("")
					time.Sleep(10 * time.Minute)
				}
				r.posted(one)
				r.stop()
				r.start()
				r.posted(one)
			})
		})
	}
}

func TestAnchorsOfAClockThatJumps(t *testing.T) {
	anchored(t, "UTC", func(r *rig, c *clock) {
		hash := r.note("last of the day")
		one := "2000-01-01 " + hash
		c.set(time.Date(2000, 1, 2, 0, 0, 1, 0, time.UTC))
		r.posted(one)
		// Set back over midnight by an hour, it is the same day's once more.
		c.jump(-time.Hour)
		r.stop()
		r.start()
		r.posted(one)
		c.jump(time.Hour)
		r.posted(one)
		// A clock that ran a month ahead for a while does not silence the month.
		c.jump(31 * 24 * time.Hour)
		ahead := "2000-02-01 " + hash
		r.posted(one, ahead)
		c.jump(-31 * 24 * time.Hour)
		r.stop()
		r.start()
		time.Sleep(time.Minute)
		c.set(time.Date(2000, 1, 3, 0, 0, 1, 0, time.UTC))
		time.Sleep(time.Minute)
		if got := r.anchors(); !slices.Contains(got, "2000-01-02 "+hash) {
			r.Errorf("posted are %v", got)
		}
	})
}

// Whoever has kept a day's post finds a history that was written anew, cut at its
// end, or thinned out, though every hash in it be right.
func TestAPostFindsARewrittenHistory(t *testing.T) {
	anchored(t, "UTC", func(r *rig, c *clock) {
		for _, detail := range []string{"one", "two", "three"} {
			r.note(detail)
		}
		c.set(time.Date(2000, 1, 2, 0, 0, 1, 0, time.UTC))
		time.Sleep(time.Minute)
		posts := r.anchors()
		if len(posts) != 1 || r.verify(posts[0]) != nil {
			r.Fatalf("posted are %v", posts)
		}
		_, anchor, _ := strings.Cut(posts[0], " ")
		truth := r.entries()
		for name, write := range map[string]func([]requests.Entry) []requests.Entry{
			"written anew":       func(e []requests.Entry) []requests.Entry { e[1].Detail = "another"; return e },
			"end cut off":        func(e []requests.Entry) []requests.Entry { return e[:len(e)-1] },
			"middle taken out":   func(e []requests.Entry) []requests.Entry { return slices.Delete(e, 1, 2) },
			"beginning cut off":  func(e []requests.Entry) []requests.Entry { return e[1:] },
			"one put in between": func(e []requests.Entry) []requests.Entry { return slices.Insert(e, 1, requests.Entry{Detail: "new"}) },
		} {
			if err := store.Verify(chained(write(slices.Clone(truth))), ""); err != nil {
				r.Errorf("%s: the forger's chain has a fault of its own: %v", name, err)
			}
			if err := store.Verify(chained(write(slices.Clone(truth))), anchor); err == nil {
				r.Errorf("%s: nobody would notice", name)
			}
		}
	})
}

// chained makes a whole chain of entries, as a forger with the program would.
func chained(entries []requests.Entry) func(func(requests.Entry, error) bool) {
	return func(yield func(requests.Entry, error) bool) {
		prev := strings.Repeat("0", 64)
		for i, e := range entries {
			e.Seq, e.Prev = uint64(i+1), prev
			e.Hash = store.Hash(e)
			prev = e.Hash
			if !yield(e, nil) {
				return
			}
		}
	}
}

// What cannot be delivered for a day is given up, and the next day's follows.
func TestAnAnchorThatNobodyTakes(t *testing.T) {
	anchored(t, "UTC", func(r *rig, c *clock) {
		hash := r.note("last of the day")
		r.licenses.RemoveBot()
		c.set(time.Date(2000, 1, 2, 0, 0, 1, 0, time.UTC))
		r.posted()
		r.licenses.InviteBot()
		c.set(time.Date(2000, 1, 3, 0, 0, 1, 0, time.UTC))
		r.posted("2000-01-02 " + hash)
	})
}
