package license

import (
	"slices"
	"strconv"
	"strings"
)

// Product is a row of the pricelist.
type Product struct {
	Code   int // the pricelist code that an order names
	Name   string
	Family Family
	Node   int // the number in addon_NNN for its count of nodes; 0: it has none
}

// The catalogue that ISPlicense documents for its API.
var products = []Product{
	{229, "ISPmanager 5 Lite", SoftExternal, 0},
	{273, "ISPmanager 5 Business", SoftExternal, 274},
	{546, "ISPmanager 6 Lite", SoftExternal, 0},
	{547, "ISPmanager 6 Pro", SoftExternal, 0},
	{548, "ISPmanager 6 Host", SoftExternal, 0},
	{549, "ISPmanager 6 Business", SoftExternal, 550},
	{276, "BILLmanager", SoftExternal, 0},
	{277, "BILLmanager Corporate", SoftExternal, 0},
	{166, "DNSmanager 5", SoftExternal, 0},
	{170, "VMmanager KVM", SoftExternal, 172},
	{195, "VMmanager OVZ", SoftExternal, 197},
	{250, "Plesk Panel 12/Onyx Web Admin Edition", Plesk, 0},
	{322, "Plesk Panel 12/Onyx Web Pro Edition VPS", Plesk, 0},
	{264, "Plesk Panel 12/Onyx Web Pro Edition", Plesk, 0},
	{243, "Plesk Panel 12/Onyx Web Host Edition VPS", Plesk, 0},
	{236, "Plesk Panel 12/Onyx Web Host Edition", Plesk, 0},
	{369, "CloudLinux for ISPmanager Business", Module, 0},
	{354, "VirusDie for ISPmanager 5 Lite", Module, 0},
	{367, "VirusDie for ISPmanager 5 Business", Module, 0},
	{356, "Softaculous for ISPmanager 5", Module, 0},
	{371, "KernelCare for ISPmanager", Module, 0},
	{383, "DDoS-GUARD", Module, 0},
	{397, "Revisium Antivirus", Module, 0},
}

// Products is the whole catalogue, in its own order; the slice is the caller's.
func Products() []Product { return slices.Clone(products) }

// ProductByCode finds a product by its pricelist code.
func ProductByCode(code int) (Product, bool) {
	for _, p := range products {
		if p.Code == code {
			return p, true
		}
	}
	return Product{}, false
}

// ProductByName finds a product by its whole name, in any case.
func ProductByName(name string) (Product, bool) {
	name = strings.TrimSpace(name)
	for _, p := range products {
		if strings.EqualFold(p.Name, name) {
			return p, true
		}
	}
	return Product{}, false
}

// FindProducts gives every product whose name, or pricelist code, holds all the
// words: each somewhere in the name, in any case and order, or as the code.
func FindProducts(words ...string) []Product {
	return matching(func(p Product) bool {
		for _, w := range words {
			if !holds(p, w) && strconv.Itoa(p.Code) != w {
				return false
			}
		}
		return true
	})
}

// MeantProducts gives the product that somebody means by the words, or all that
// they may mean. A whole name means that product alone, be it part of others; so
// does a part of a name, as it stands there, that no other has.
func MeantProducts(words ...string) []Product {
	typed := strings.Join(words, " ")
	if p, ok := ProductByName(typed); ok {
		return []Product{p}
	}
	if found := matching(func(p Product) bool { return holds(p, typed) }); len(found) == 1 {
		return found
	}
	return FindProducts(words...)
}

func matching(is func(Product) bool) []Product {
	return slices.DeleteFunc(Products(), func(p Product) bool { return !is(p) })
}

func holds(p Product, part string) bool {
	return strings.Contains(strings.ToLower(p.Name), strings.ToLower(part))
}
