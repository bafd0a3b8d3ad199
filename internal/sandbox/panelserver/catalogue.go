package panelserver

import (
	"fmt"
	"slices"
)

// Family is the group of functions that a licence belongs to.
type Family string

// The families. Soft is a list over all of them, no licence's own.
const (
	SoftExternal Family = "softexternal"
	Plesk        Family = "parallelslic"
	Module       Family = "addition"
	Soft         Family = "soft"
)

// Periods of the panel, in months.
const (
	Lifetime = 0
	Month    = 1
	Year     = 12
)

// Cents is an amount in hundredths of the account's currency.
type Cents int64

// String writes the amount as the panel does, without the currency: "4.50".
func (c Cents) String() string {
	sign := ""
	if c < 0 {
		sign, c = "-", -c
	}
	return fmt.Sprintf("%s%d.%02d", sign, c/100, c%100)
}

// Product is a row of the pricelist. A price of 0 says that the period is not
// sold. The prices are this server's own; ISPlicense publishes others.
type Product struct {
	Code      int
	Name      string
	Family    Family
	Node      int // the number in addon_NNN; 0: it has no nodes
	Month     Cents
	Year      Cents
	Lifetime  Cents
	NodeMonth Cents // for each node and month, part of the cost of a renewal
}

// The products that ISPlicense documents for its API.
func catalogue() []Product {
	return []Product{
		{229, "ISPmanager 5 Lite", SoftExternal, 0, 450, 4500, 16000, 0},
		{273, "ISPmanager 5 Business", SoftExternal, 274, 1200, 12000, 42000, 200},
		{546, "ISPmanager 6 Lite", SoftExternal, 0, 490, 4900, 18000, 0},
		{547, "ISPmanager 6 Pro", SoftExternal, 0, 890, 8900, 32000, 0},
		{548, "ISPmanager 6 Host", SoftExternal, 0, 1290, 12900, 46000, 0},
		{549, "ISPmanager 6 Business", SoftExternal, 550, 1490, 14900, 52000, 250},
		{276, "BILLmanager", SoftExternal, 0, 2000, 20000, 70000, 0},
		{277, "BILLmanager Corporate", SoftExternal, 0, 6000, 60000, 210000, 0},
		{166, "DNSmanager 5", SoftExternal, 0, 300, 3000, 9000, 0},
		{170, "VMmanager KVM", SoftExternal, 172, 700, 7000, 25000, 300},
		{195, "VMmanager OVZ", SoftExternal, 197, 700, 7000, 25000, 300},
		{250, "Plesk Panel 12/Onyx Web Admin Edition", Plesk, 0, 650, 6500, 0, 0},
		{322, "Plesk Panel 12/Onyx Web Pro Edition VPS", Plesk, 0, 950, 9500, 0, 0},
		{264, "Plesk Panel 12/Onyx Web Pro Edition", Plesk, 0, 1150, 11500, 0, 0},
		{243, "Plesk Panel 12/Onyx Web Host Edition VPS", Plesk, 0, 1450, 14500, 0, 0},
		{236, "Plesk Panel 12/Onyx Web Host Edition", Plesk, 0, 2450, 24500, 0, 0},
		{369, "CloudLinux for ISPmanager Business", Module, 0, 1100, 11000, 0, 0},
		{354, "VirusDie for ISPmanager 5 Lite", Module, 0, 250, 2500, 0, 0},
		{367, "VirusDie for ISPmanager 5 Business", Module, 0, 500, 5000, 0, 0},
		{356, "Softaculous for ISPmanager 5", Module, 0, 150, 1500, 0, 0},
		{371, "KernelCare for ISPmanager", Module, 0, 290, 2900, 0, 0},
		{383, "DDoS-GUARD", Module, 0, 3500, 35000, 0, 0},
		{397, "Revisium Antivirus", Module, 0, 400, 4000, 0, 0},
	}
}

// Products is what the panel sells, with the prices as they are in a new server.
func Products() []Product { return catalogue() }

// price is what a period costs with so many nodes; false where it is not sold.
func (p *Product) price(period, nodes int) (Cents, bool) {
	var base Cents
	switch period {
	case Month:
		base = p.Month
	case Year:
		base = p.Year
	case Lifetime:
		base = p.Lifetime
	}
	return base + Cents(nodes*period)*p.NodeMonth, base > 0
}

// periods lists the periods that are sold, the shortest first and a lifetime last.
func (p *Product) periods() []int {
	return slices.DeleteFunc([]int{Month, Year, Lifetime}, func(period int) bool {
		_, sold := p.price(period, 0)
		return !sold
	})
}
