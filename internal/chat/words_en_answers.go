package chat

import "github.com/isplicense/license-bot/internal/requests"

// Sentences that several reasons share.
const (
	askAgain     phrase = "Ask again in a while."
	pressRecheck phrase = "Press Recheck in a minute, or look in the panel."
	readAgain    phrase = "Try again in a minute."
	mendLogin    phrase = "An admin of the bot has to mend its login to the panel: `bot check` says how."
	noFactor     phrase = "Somebody with the panel's login has to switch the second factor off for the bot's account."
	letThrough   phrase = "An admin has to have the bot's address let through."
	giveRight    phrase = "Somebody with the panel's login has to give the bot's account the right."
)

// englishReasons: because, again, recheck, read.
var englishReasons = map[requests.Reason]reasonWords{
	requests.ReasonRoleLost: {"whoever asked may no longer ask for it",
		"Somebody with the role operator can ask again.", pressRecheck, readAgain},
	requests.ReasonVotesLost: {"somebody who approved may no longer approve",
		"Ask again to have it approved anew.", pressRecheck, readAgain},
	requests.ReasonChanged: {"the licence is not as the question showed it",
		"A fresh question shows it as it is now.", pressRecheck, readAgain},
	requests.ReasonGone: {"the licence is not in the panel any more",
		"See what there is: `/license list`", pressRecheck, "See what there is: `/license list`"},
	requests.ReasonStale: {"it was decided too long ago, and the bot was off meanwhile",
		"Ask again if it is still wanted.", pressRecheck, readAgain},
	requests.ReasonUnreadable: {"the licence could not be read before the call",
		askAgain, pressRecheck, readAgain},
	requests.ReasonNotSent: {"the panel could not be reached",
		askAgain, pressRecheck, readAgain},
	requests.ReasonAuth: {"the panel does not accept the bot's login",
		mendLogin, mendLogin, mendLogin},
	requests.ReasonTwoFactor: {"the panel wants a second factor of the bot's account",
		noFactor, noFactor, noFactor},
	requests.ReasonForbidden: {"the bot's account may not do this in the panel",
		giveRight, giveRight, giveRight},
	requests.ReasonRefused: {"a rule of the panel's is against it",
		"Mend what the panel named, then ask again.", pressRecheck, readAgain},
	requests.ReasonMissing: {"the panel does not know what was named",
		"See what there is: `/license list`", pressRecheck, "See what there is: `/license list`"},
	requests.ReasonBusy: {"another operation runs on the licence",
		"Ask again when it has ended.", pressRecheck, readAgain},
	requests.ReasonMinTerm: {"its minimum term is not over",
		"Ask again when it is.", pressRecheck, readAgain},
	requests.ReasonMoney: {"the balance does not suffice",
		"Pay in first; this shows what is there: `/license balance`", "Pay in, then press Recheck.", readAgain},
	requests.ReasonTimeout: {"nothing came in time",
		askAgain, pressRecheck, "The panel is slow: try again in a minute."},
	requests.ReasonCut: {"the answer broke off",
		askAgain, pressRecheck, readAgain},
	requests.ReasonStatus: {"an error page came instead",
		askAgain, pressRecheck, readAgain},
	requests.ReasonGarbled: {"what came is not the panel's",
		askAgain, pressRecheck, "Try again in a minute; if it stays so, an admin has to check ISPLICENSE_URL."},
	requests.ReasonMaintenance: {"the panel is under maintenance",
		"Ask again when it is over.", "Press Recheck when it is over.", "Try again when it is over."},
	requests.ReasonCaptcha: {"a captcha or firewall stands before the panel",
		letThrough, letThrough, letThrough},
	requests.ReasonInProcess: {"the panel says that it is still at it",
		"Ask again when the panel has ended it.", "Press Recheck when the panel has ended it.", readAgain},
	requests.ReasonUnnamed: {"it took the order and named no licence",
		askAgain, pressRecheck, readAgain},
	requests.ReasonUnpaid: {"the panel made an order of it that is left unpaid",
		"Pay or delete that order in the panel first.", "Pay or delete that order in the panel, then press Recheck.", readAgain},
	requests.ReasonKilled: {"the bot was stopped during the call",
		askAgain, pressRecheck, readAgain},
}

var englishAnswers = answerWords{
	voted:    "Your approval counts",
	decided:  "Already decided. {how}",
	underWay: "It is under way; the outcome comes as a reply to the question.",

	asked:      "The same is asked for already, so no second request was made",
	askedBy:    "{codes}: asked by {who}, {when}, request {id}.",
	askedOrder: "Asked by {who}, {when}, request {id}.",
	there:      "See it",
	leftOut: counted{
		One:   "Some are asked for already and were left out; {n} other is asked for now",
		Other: "Some are asked for already and were left out; {n} others are asked for now",
	},
	ruledOut: counted{
		One:   "Some were left out, as below; {n} other is asked for now",
		Other: "Some were left out, as below; {n} others are asked for now",
	},

	notAllowed:    "This takes the role {need}; yours is {has}",
	askAdmin:      "An admin can give it; who you are here: `/license whoami`",
	couldNotCheck: "It could not be checked whether you may do this",
	tryAgain:      "Nothing was done. Try again in a minute.",

	own:          "Nobody approves or denies a request of their own",
	ownNext:      "Another approver has to. You can cancel it.",
	notYours:     "This request is {who}'s",
	notYoursNext: "Only they can confirm it; they, or an admin, can cancel it.",

	alreadyVoted: "You have approved this already",
	wrongButton:  "This request is not decided with that button",
	noRequest:    "There is no such request",
	seePending:   "What is open: `/license pending`",

	nothingUncertain: "Nothing is uncertain in request {id}",
	undecided:        "It still waits for its decision.",
	rechecking:       "Looking in the panel again for request {id}",
	inThread:         "The question shows when that was done. What is found out comes as a reply to it.",
	settled:          "Request {id} is settled",

	stranger: "You are not on the allowlist",
	askThese: "Ask one of these to put you on it: {who}",

	nobody: counted{
		One:   "{verb} needs {n} approval by somebody else, and there is nobody who could give it",
		Other: "{verb} needs {n} approvals by others, and there is nobody who could give one",
	},
	tooFew:     counted{Other: "{verb} needs {n} approvals by others, and only {have} could give one"},
	nobodyNext: "Nothing was asked for. An admin can add approvers: `/license allow WHO approver`",

	rate: "Too much at once, so this was not done; go on at {when}",

	broken:     "The bot cannot record anything now, so it does nothing",
	brokenNext: "An admin has to look at its log and disk. Then type it again.",

	closedAsked:   "The question went to you by direct message: confirm it there.",
	closedRefused: "Others have to approve this, and would not see it; nothing was asked for.",
	add:           "Add the bot to it, with the right to write, then ask again.",
	addNext:       "To be asked there the next time, add the bot to it, with the right to write.",
	invite:        "Invite the bot, then ask again: {command}",
	inviteNext:    "To be asked in the channel the next time, invite the bot: {command}",
	elsewhere:     "Ask in a channel that the bot is in, or in a direct message to it.",

	notYet:      "The question of request {id} could not be posted so far",
	notYetNext:  "It is tried again until {until}; before it is there nothing is done.",
	notYetAdmin: "If it stays so, an admin has to look at the bot's log.",

	undelivered:     "The outcome of request {id} could not be delivered",
	undeliveredNext: "Please tell {who}.",

	private:      "The answer went to you in our private chat",
	privateFirst: "Start a private chat with the bot first, then ask again",

	panelDown:  "The panel could not be read: {because}",
	panelUntil: "The bot asks the panel again at {when}.",

	noLicence: "The panel shows no licence {code}",
	seeList:   "All licences: `/license list`",
	noNodes:   "{code} has no count of nodes",
	noChange:  "{code} is like that already",
	seeShow:   "What it is: {command}",
	deleted:   "{code} is terminated already",
	noneAsked: "Nothing was asked for.",
	lifetime:  "{code} is for a lifetime: there is nothing to renew",

	notReached:     "None of the approvers could be told, so request {id} was withdrawn",
	notReachedNext: "Ask one of them to open a chat with the bot, then ask again.",
}

var englishReads = readWords{
	summary:      "Your summary",
	nothingWaits: "Nothing waits for you.",
	nothingDue:   "Nothing expires soon.",
	waiting:      counted{One: "{n} request waits for you:", Other: "{n} requests wait for you:"},
	yours:        counted{One: "{n} request of yours is open:", Other: "{n} requests of yours are open:"},
	due:          counted{One: "{n} licence expires soon or has expired:", Other: "{n} licences expire soon or have expired:"},
	whoami:       "Your role is {role}",

	noneAtAll:  "The panel shows no licences",
	noneFound:  "No licence holds “{words}”",
	licences:   counted{One: "{n} licence", Other: "{n} licences"},
	licencesOf: counted{One: "{n} licence with “{words}”", Other: "{n} licences with “{words}”"},
	licence:    "Licence {code}",

	noneExpires: counted{One: "Nothing expires within {n} day", Other: "Nothing expires within {n} days"},
	expiring:    counted{One: "Expires within {n} day, or has expired: {count}", Other: "Expires within {n} days, or has expired: {count}"},
	renewAll:    "To renew them: {command}",

	noProduct:   "No product is called “{words}”",
	seeProducts: "All products: `/license products`",
	orderHint:   "To order one: `/license order PRODUCT`",
	hasNodes:    "has nodes",
	products:    counted{One: "{n} product", Other: "{n} products"},

	pending:     counted{One: "{n} open request", Other: "{n} open requests"},
	nonePending: "No request is open",
	by:          "by {who}",
	confirm:     "waits for the confirmation until {until}",
	uncertain:   "outcome not known, an admin can type {command}",
	underWay:    "under way",
	votes:       counted{Other: "{have} of {n} approvals, until {until}"},

	history:   "What the panel did with {code}",
	noHistory: "The panel shows no history of {code}",
	balance:   "Balance: {balance}",
	noBalance: "The balance could not be read",
}

var englishPeople = peopleWords{
	members:     counted{One: "{n} person on the allowlist", Other: "{n} people on the allowlist"},
	added:       "{who} is on the allowlist as {role}",
	joined:      "{account} is {who} too, with the role {role}",
	joinedRole:  "The role of {who} changed with it: {before} before, {role} now.",
	roleChanged: "{who} is {role} now, {before} before",
	asBefore:    "{who} is {role} already; nothing changed",
	atOnce:      "It holds from now on, for every account of theirs.",
	revoked:     "{who} is not on the allowlist any more",

	otherPerson:     "{account} is {who}'s already",
	otherPersonNext: "To make it somebody else's, take {who} off the allowlist first, with all accounts: {command}",
	lastAdmin:       "{who} is the last admin and stays one",
	lastAdminNext:   "Make somebody else admin first: `/license allow WHO admin`",
	noMember:        "Nobody on the allowlist has the account {account}",
	seeMembers:      "Who is on it: `/license members`",

	audit:   "The audit trail",
	auditOf: "The audit trail of {code}",
	noAudit: "There is nothing in it.",
	older:   counted{One: "{n} older entry is not shown.", Other: "{n} older entries are not shown."},

	anchor:     "Audit trail on {date}: entry {seq}",
	anchorNext: "To check it later: `bot audit verify --anchor {hash}`",
}
