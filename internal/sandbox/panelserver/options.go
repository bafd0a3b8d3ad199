package panelserver

import "time"

// Options are a server's settings. The zero value works.
type Options struct {
	// Now is the panel's clock; time.Now where nil. Dates are days of its location.
	Now func() time.Time
	// User and Password are the account's; "client" and "secret" where empty.
	User, Password string
	// Balance of the account; 0 stands for 1000.00, SetBalance can set any.
	Balance Cents
	// Currency is "EUR" where empty.
	Currency string
	// Licenses are there at the start.
	Licenses []License
	// MaxFailures is how many wrong passwords in a row block the login; 5 where 0.
	MaxFailures int
	// BlockFor is how long it is blocked; 15 minutes where 0.
	BlockFor time.Duration
	// Ledger is how many calls are kept for Calls; 0: all. The counts of Charged
	// and Count are exact whatever it is.
	Ledger int
	// Ways are the panel's ways at the start; Adjust changes them.
	Ways Ways
}

// License is a licence in the panel, as seed and as inspected.
type License struct {
	ID      string // the code, decimal; as a seed "" stands for the next free one
	Product int    // the pricelist number
	Name    string
	IP      string // "" for a module
	Period  int    // in months; Lifetime is 0
	Created string // YYYY-MM-DD; as a seed "" stands for today
	// Expires is YYYY-MM-DD; "" for a lifetime and for what is not open yet. As a
	// seed, "" stands for a period after Created.
	Expires     string
	Status      int    // 1 ordered, 2 active, 3 suspended, 4 deleted, 5 processing; as a seed 0 stands for 2
	Processing  string // what a status of 5 is about: open, edit, prolong, delete
	AutoProlong bool
	Nodes       int
	Key         string // the licence key, where there is one yet
	Item        string // for a module: the code of the licence it is for, where it was told
}

// The states of a licence.
const (
	Ordered    = 1
	Active     = 2
	Suspended  = 3
	Deleted    = 4
	Processing = 5
)

// Delays are how long the panel takes after it has answered. While it works, the
// licence's status is 5 and another change is refused.
type Delays struct {
	Open   time.Duration // of an order: half of it the status stays 1, half of it it is 5_open
	Key    time.Duration // from active to the key in the form
	Edit   time.Duration
	Renew  time.Duration
	Delete time.Duration
}

// Ways are the panel's ways where panels differ, or where nobody outside knows.
// The zero value is what is documented, or else what is harder for a client.
type Ways struct {
	Delays Delays

	// Lists.
	Hide        []string // columns that are left out, by name
	PageSize    int      // rows where the call has no p_cnt; 100 where 0
	Filter      string   // a person's filter: only rows whose name holds it are listed
	DailyPhrase bool     // expiredate is a phrase ("in 5 days"), real_expiredate the date

	// Effects.
	KeepMissing  bool          // an edit keeps what it does not name; else that is cleared
	DeletedStays bool          // a deleted licence stays in the lists with status 4
	MinTerm      time.Duration // a delete this soon after the creation is refused (pricelist_min_order)
	RenewWithin  time.Duration // a renewal is refused earlier than this before the expiry; 0: never
	NodesAdd     bool          // soft.edit adds its count to the one there is; else it is the total
	NeedItem     bool          // a module's order must name the licence it is for
	UniqueIP     bool          // a second licence of a product for one address is refused (exists)
	NoMoney      NoMoney

	// Answers.
	EchoPassword bool // tparams has authinfo too, as the real panel's may
	OrderAnswer  OrderAnswer
	FlatRenewal  bool // newexpiredate is at /doc; else at /doc/doc
	OK           OK
	OldErrors    bool // <error code="3" obj="elid"/>
	RawMessages  bool // msg has its __placeholders__ unfilled and ends in a space
	Encoding     Encoding
}

// NoMoney is what becomes of an order or renewal that the balance does not cover.
type NoMoney int

// What a panel may do without money.
const (
	RefuseUnpaid   NoMoney = iota // an error
	LeaveBillOrder                // it stays unpaid; the answer has billorder
	LeavePaymentID                // the same with payment_id
)

// OrderAnswer is where the answer to an order has the new licence's code.
type OrderAnswer int

// The answers to an order.
const (
	IDInDoc  OrderAnswer = iota // /doc/id
	IDNested                    // /doc/doc/id
	NoID                        // nowhere
)

// OK is the form of the ok element of a success.
type OK int

// The forms of ok.
const (
	OKEmpty OK = iota
	OKAbsent
	OKForm // <ok type="form">func=…</ok>
)

// Encoding is how the answer's text is turned into bytes.
type Encoding int

// The encodings.
const (
	UTF8           Encoding = iota
	Windows1251             // declared as such
	Undeclared1251          // the bytes of windows-1251 under a declaration of UTF-8
	Mojibake                // UTF-8 encoded twice
)
