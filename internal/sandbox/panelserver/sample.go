package panelserver

import "time"

// Sample is about a dozen licences as a small hoster has them, around now: of all
// families, some near their expiry, one suspended, one for life, one on IPv6.
func Sample(now time.Time) []License {
	in := func(days int) string { return now.AddDate(0, 0, days).Format(day) }
	return []License{
		{ID: "1001", Product: 546, Name: "srv1", IP: "192.0.2.10", Period: Month, Created: in(-27), Expires: in(3), Key: "KEY-1001-A7F2"},
		{ID: "1002", Product: 549, Name: "web-cluster", IP: "192.0.2.20", Period: Year, Created: in(-300), Expires: in(65), Nodes: 3, Key: "KEY-1002-0C41"},
		{ID: "1003", Product: 170, Name: "kvm-host-1", IP: "192.0.2.30", Period: Month, Created: in(-88), Expires: in(12), Nodes: 2, Key: "KEY-1003-55D0"},
		{ID: "1004", Product: 264, Name: "plesk-shop", IP: "192.0.2.40", Period: Month, Created: in(-24), Expires: in(6), Key: "PLSK-1004-0000"},
		{ID: "1005", Product: 369, Name: "cloudlinux-srv1", Period: Month, Created: in(-16), Expires: in(14), Item: "1002"},
		{ID: "1006", Product: 229, Name: "old-shop", IP: "192.0.2.60", Period: Month, Created: in(-64), Expires: in(-4), Status: Suspended, Key: "KEY-1006-91BE"},
		{ID: "1007", Product: 276, Name: "billing", IP: "192.0.2.70", Period: Lifetime, Created: in(-900), Key: "KEY-1007-30AA"},
		{ID: "1008", Product: 547, Name: "srv6", IP: "2001:db8::8", Period: Month, Created: in(-9), Expires: in(21), Key: "KEY-1008-7E11"},
		{ID: "1009", Product: 166, Name: "ns1", IP: "192.0.2.53", Period: Year, Created: in(-358), Expires: in(7), AutoProlong: true, Key: "KEY-1009-4D53"},
		{ID: "1010", Product: 250, Name: "plesk-admin", IP: "192.0.2.41", Period: Year, Created: in(-120), Expires: in(245), Key: "PLSK-1010-0000"},
		{ID: "1011", Product: 371, Name: "kernelcare-srv1", Period: Month, Created: in(-29), Expires: in(1), Item: "1001"},
		{ID: "1012", Product: 548, Name: "reseller", IP: "192.0.2.80", Period: Month, Created: in(-2), Expires: in(28), Key: "KEY-1012-E9C6"},
	}
}
