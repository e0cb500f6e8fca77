package schedule

import (
	"math/bits"
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// rule yields days. The zero value of a filter lets every day pass.
type rule struct {
	// first and last are the days between which it yields, inclusive.
	first, last int64
	frequency   rrule.Frequency
	interval    int64
	// weekStart is the weekday with which a week begins. Weekdays are counted from Monday, which is 0.
	weekStart int64
	// months by their number, days of a month by their number, and from its end.
	months, monthDays, fromEnd set
	// weekdays, and nth for the first, second, last, ... weekday of a month.
	weekdays set
	nth      []nthWeekday
	// positions that stay of the days of a month: 1 is the first, -1 the last.
	positions []int
}

// nthWeekday is the n-th of a weekday in a month, from its end if n is negative.
type nthWeekday struct{ weekday, n int64 }

// set of small numbers, such as the days of a month.
type set uint32

func (s set) has(n int64) bool    { return s>>n&1 == 1 }
func (s set) from(n int64) set    { return s >> n << n }
func (s set) through(n int64) set { return s &^ s.from(n+1) }
func (s set) len() int            { return bits.OnesCount32(uint32(s)) }
func (s set) min() int64          { return int64(bits.TrailingZeros32(uint32(s))) }
func (s set) max() int64          { return int64(bits.Len32(uint32(s))) - 1 }

// month is counted from year 0.
type month int64

func monthOf(day int64) month {
	year, m, _ := time.Unix(day*secondsPerDay, 0).UTC().Date()
	return month(year)*12 + month(m) - 1
}

// bounds are the day before the first, to which a day of the month is added, and how many days the month has.
func (m month) bounds() (before, length int64) {
	first := time.Date(0, time.Month(m+1), 1, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	next := time.Date(0, time.Month(m+2), 1, 0, 0, 0, 0, time.UTC).Unix() / secondsPerDay
	return first - 1, next - first
}

// weekdayOf a day: 1970-01-01 was a Thursday.
func weekdayOf(day int64) int64 { return modulo(day+3, 7) }

// modulo is the remainder that is not negative.
func modulo(a, b int64) int64 {
	if a %= b; a < 0 {
		a += b
	}
	return a
}

// once is the rule that yields one day.
func once(day int64) rule {
	return rule{first: day, last: day, frequency: rrule.DAILY, interval: 1}
}

// page is the month of a rule's calendar at which it was opened last. The zero page is at none.
type page struct {
	month
	before, length int64
	days           set
}

// has says whether a day is in the page's month.
func (p *page) has(day int64) bool { return p.before < day && day <= p.before+p.length }

// open finds the days of a month that the rule yields, whatever its first and last day.
func (r *rule) open(p *page, m month) {
	if p.month == m && p.length > 0 {
		return
	}
	p.month = m
	p.before, p.length = m.bounds()
	p.days = r.in(m, p.before, p.length)
}

// openAt opens the month of a day.
func (r *rule) openAt(p *page, day int64) {
	if !p.has(day) {
		r.open(p, monthOf(day))
	}
}

// next is the first day of the rule that is not before a day, and not after a limit.
func (r *rule) next(day, limit int64, p *page) (int64, bool) {
	day, limit = max(day, r.first), min(limit, r.last)
	if day > limit {
		return 0, false
	}
	for r.openAt(p, day); p.before < limit; r.open(p, p.month+1) {
		if days := p.days.from(max(day-p.before, 0)); days != 0 {
			found := p.before + days.min()
			return found, found <= limit
		}
	}
	return 0, false
}

// previous is the last day of the rule that is not after a day, and not before a limit.
func (r *rule) previous(day, limit int64, p *page) (int64, bool) {
	day, limit = min(day, r.last), max(limit, r.first)
	if day < limit {
		return 0, false
	}
	for r.openAt(p, day); p.before+p.length >= limit; r.open(p, p.month-1) {
		if days := p.days.through(min(day-p.before, p.length)); days != 0 {
			found := p.before + days.max()
			return found, found >= limit
		}
	}
	return 0, false
}

// in is the days of a month, see month.bounds.
func (r *rule) in(m month, before, length int64) set {
	if !r.hasMonth(m) {
		return 0
	}
	days := set(1<<32 - 2).through(length)
	if r.monthDays != 0 || r.fromEnd != 0 {
		days &= r.monthDays | r.fromEnd.mirrored(length)
	}
	if r.weekdays != 0 || len(r.nth) > 0 {
		days &= r.onWeekdays(before, length)
	}
	days = r.everyInterval(before, days)
	if len(r.positions) > 0 {
		days = r.atPositions(days)
	}
	return days
}

func (r *rule) hasMonth(m month) bool {
	if r.months != 0 && !r.months.has(modulo(int64(m), 12)+1) {
		return false
	}
	return r.frequency != rrule.MONTHLY || r.interval == 1 || modulo(int64(m-monthOf(r.first)), r.interval) == 0
}

// mirrored makes days from the end of a month of some length, where 1 is the last, days from its start.
func (s set) mirrored(length int64) set {
	return set(bits.Reverse32(uint32(s)) << 1 >> (31 - length))
}

func (r *rule) onWeekdays(before, length int64) set {
	var days set
	for day := int64(1); day <= length; day++ {
		weekday := weekdayOf(before + day)
		if r.weekdays.has(weekday) || slices.Contains(r.nth, nthWeekday{weekday, (day + 6) / 7}) ||
			slices.Contains(r.nth, nthWeekday{weekday, -(length - day + 7) / 7}) {
			days |= 1 << day
		}
	}
	return days
}

// everyInterval leaves the days that are every interval-th, or in every interval-th week.
func (r *rule) everyInterval(before int64, days set) set {
	if r.frequency == rrule.MONTHLY || r.interval == 1 {
		return days
	}
	kept := days
	for left := days; left != 0; left &= left - 1 {
		if day := left.min(); modulo(r.period(before+day)-r.period(r.first), r.interval) != 0 {
			kept &^= 1 << day
		}
	}
	return kept
}

// period counts days or weeks.
func (r *rule) period(day int64) int64 {
	if r.frequency == rrule.WEEKLY {
		day += 3 - r.weekStart // 1970-01-01 was a Thursday
		return (day - modulo(day, 7)) / 7
	}
	return day
}

// atPositions leaves the days at the rule's positions.
func (r *rule) atPositions(days set) set {
	var kept set
	position, count := 0, days.len()
	for left := days; left != 0; left &= left - 1 {
		position++
		if slices.Contains(r.positions, position) || slices.Contains(r.positions, position-count-1) {
			kept |= 1 << left.min()
		}
	}
	return kept
}
