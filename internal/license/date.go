package license

import "time"

// Date is a calendar day as the panel writes it, "2025-02-10", or "" where it is
// not known. Valid dates compare as strings do.
type Date string

const dateLayout = "2006-01-02"

// ParseDate reads YYYY-MM-DD; anything else (a phrase, zeros) is no date.
func ParseDate(s string) (Date, bool) {
	t, err := time.Parse(dateLayout, s)
	if err != nil || t.Year() < 1990 {
		return "", false
	}
	return Date(s), true
}

// DateOf is the day on which t falls in its own location.
func DateOf(t time.Time) Date { return Date(t.Format(dateLayout)) }

// Time is midnight of the day in loc; the zero time for an unknown date.
func (d Date) Time(loc *time.Location) time.Time {
	t, err := time.ParseInLocation(dateLayout, string(d), loc)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Days is the number of days from d to e, negative where e is earlier.
// Both must be known.
func (d Date) Days(e Date) int {
	return int(e.Time(time.UTC).Sub(d.Time(time.UTC)).Hours() / 24)
}

// AddMonths moves the date by n months; a day that the month does not have
// becomes its last one (31 January and a month: 28 February). It is "" where the
// date is not known or the result is none.
func (d Date) AddMonths(n int) Date {
	t := d.Time(time.UTC)
	if t.IsZero() {
		return ""
	}
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC)
	last := first.AddDate(0, 1, -1).Day()
	sum, _ := ParseDate(first.AddDate(0, 0, min(t.Day(), last)-1).Format(dateLayout))
	return sum
}
