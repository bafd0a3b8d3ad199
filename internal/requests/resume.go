package requests

import "time"

// Resume gives what a start has to do for a request as the store has it: the
// events that the kill itself was, and the effects that were recorded and not
// carried out. A call that had begun is never among the effects.
func Resume(r Request, now time.Time) (events []Event, effects []Effect) {
	if r.State == Proposed && r.Need > 0 {
		// A shell may have changed the allowlist while the bot was off.
		events = append(events, MembersChanged{})
	}
	for i, it := range r.Items {
		switch it.State {
		case Checking:
			effects = append(effects, Effect{Do: DoCheck, Item: i})
		case Started:
			events = append(events, Killed{Item: i})
		case Looking:
			effects = append(effects, Effect{Do: DoLook, Item: i})
		case Unknown, Not:
			if now.Before(it.WatchUntil) {
				effects = append(effects, Effect{Do: DoLook, Item: i})
			}
			if it.Recheck {
				effects = append(effects, Effect{Do: DoLook, Item: i, Rechecked: true})
			}
		case Waiting, Applied, Dropped:
		}
	}
	return events, effects
}

// Watched says whether late effects of a call are still looked for.
func (r Request) Watched(now time.Time) bool {
	for _, it := range r.Items {
		if (it.State == Unknown || it.State == Not) && now.Before(it.WatchUntil) {
			return true
		}
	}
	return false
}
