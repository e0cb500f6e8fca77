package schedule

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/teambition/rrule-go"
)

const (
	// maxRecurrence is the most characters of a recurrence, as the API has it.
	maxRecurrence = 256
	// cycle is the days after which the calendar repeats: 400 years.
	cycle = 146097
)

// refused are the parts of a rule that are not for windows, and why.
var refused = map[string]string{
	"BYHOUR":    "the time of day is startTime's, so have one window for each time of day",
	"BYMINUTE":  "the time of day is startTime's, so have one window for each time of day",
	"BYSECOND":  "the time of day is startTime's, so have one window for each time of day",
	"BYWEEKNO":  "it needs FREQ=YEARLY, which windows cannot have",
	"BYYEARDAY": "it needs FREQ=YEARLY, which windows cannot have",
	"DTSTART":   "it is startTime",
}

// supported are the parts that a rule may have.
var supported = []string{"FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"}

// parseRule reads an RRULE for a window that starts at a time of day, for the first time not before a day.
func parseRule(text string, first, timeOfDay int64, zone *time.Location) (rule, error) {
	if len(text) > maxRecurrence {
		return rule{}, fmt.Errorf("must have at most %d characters", maxRecurrence)
	}
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return rule{}, errors.New("must not have spaces: leave them out")
	}
	parts, err := split(text)
	if err != nil {
		return rule{}, err
	}
	option, err := rrule.StrToROption(text)
	if err == nil {
		_, err = rrule.NewRRule(*option) // it checks the numbers
	}
	if err != nil {
		return rule{}, fmt.Errorf("must be an RRULE of RFC 5545: %w", err)
	}
	if err := check(parts, option); err != nil {
		return rule{}, err
	}
	parsed := ruleOf(option, first)
	if until, ok := parts["UNTIL"]; ok {
		parsed.last = lastDay(until, option.Until, timeOfDay, zone)
	}
	if _, ok := parsed.next(first, first+cycle, &page{}); !ok {
		return rule{}, errors.New("yields no day from startTime on, so it never comes: change it or leave it out")
	}
	if option.Count > 0 {
		parsed.last = parsed.counted(option.Count)
	}
	return parsed, nil
}

// split is a rule's parts by their names.
func split(text string) (map[string]string, error) {
	parts := map[string]string{}
	for part := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(part, "=")
		if why, ok := refused[name]; ok {
			return nil, fmt.Errorf("must not have %s: %s", name, why)
		}
		if !slices.Contains(supported, name) {
			return nil, fmt.Errorf("must not have %q: write an RRULE such as FREQ=WEEKLY;BYDAY=MO,TU", name)
		}
		if _, ok := parts[name]; ok {
			return nil, fmt.Errorf("has %s twice: leave one out", name)
		}
		parts[name] = value
	}
	return parts, nil
}

// check refuses what RFC 5545 or the API does not allow, and rrule-go takes.
func check(parts map[string]string, option *rrule.ROption) error {
	if err := checkEnd(parts, option); err != nil {
		return err
	}
	_, byMonthDay := parts["BYMONTHDAY"]
	_, byPosition := parts["BYSETPOS"]
	switch option.Freq {
	case rrule.MONTHLY:
		if byPosition && !byMonthDay && len(option.Byweekday) == 0 {
			return errors.New("must have BYDAY or BYMONTHDAY with BYSETPOS: leave BYSETPOS out")
		}
	case rrule.DAILY, rrule.WEEKLY:
		if byPosition {
			return errors.New("must have FREQ=MONTHLY with BYSETPOS: name the days in BYDAY instead")
		}
		if byMonthDay && option.Freq == rrule.WEEKLY {
			return errors.New("must not have BYMONTHDAY with FREQ=WEEKLY: use DAILY or MONTHLY")
		}
	default:
		return fmt.Errorf("must not have FREQ=%s: use DAILY, WEEKLY or MONTHLY", option.Freq)
	}
	return checkDays(option)
}

// checkEnd refuses an INTERVAL, COUNT and UNTIL that RFC 5545 does not allow.
func checkEnd(parts map[string]string, option *rrule.ROption) error {
	_, interval := parts["INTERVAL"]
	_, count := parts["COUNT"]
	_, until := parts["UNTIL"]
	switch {
	case interval && option.Interval < 1:
		return errors.New("must have an INTERVAL of 1 or more")
	case count && option.Count < 1:
		return errors.New("must have a COUNT of 1 or more")
	case count && until:
		return errors.New("must not have both COUNT and UNTIL: leave one out")
	}
	return nil
}

func checkDays(option *rrule.ROption) error {
	for _, day := range option.Byweekday {
		if day.N() != 0 && option.Freq != rrule.MONTHLY {
			return fmt.Errorf("must have FREQ=MONTHLY with %s in BYDAY: leave the number out", day)
		}
		if day.N() < -5 || day.N() > 5 {
			return fmt.Errorf("must not have %s in BYDAY: no month has that day", day)
		}
	}
	return nil
}

// ruleOf is the rule from a first day on.
func ruleOf(option *rrule.ROption, first int64) rule {
	parsed := rule{
		first: first, last: math.MaxInt64,
		frequency: option.Freq, interval: int64(max(option.Interval, 1)),
		weekStart: int64(option.Wkst.Day()), positions: option.Bysetpos,
	}
	for _, number := range option.Bymonth {
		parsed.months |= 1 << number
	}
	for _, day := range option.Bymonthday {
		if day > 0 {
			parsed.monthDays |= 1 << day
		} else {
			parsed.fromEnd |= 1 << -day
		}
	}
	for _, day := range option.Byweekday {
		if day.N() == 0 {
			parsed.weekdays |= 1 << day.Day()
		} else {
			parsed.nth = append(parsed.nth, nthWeekday{int64(day.Day()), int64(day.N())})
		}
	}
	switch {
	case len(option.Byweekday) > 0 || len(option.Bymonthday) > 0:
	case option.Freq == rrule.WEEKLY:
		parsed.weekdays = 1 << weekdayOf(first)
	case option.Freq == rrule.MONTHLY:
		before, _ := monthOf(first).bounds()
		parsed.monthDays = 1 << (first - before)
	}
	return parsed
}

// lastDay that UNTIL allows. text is how it is written: until has no zone unless text ends with Z.
func lastDay(text string, until time.Time, timeOfDay int64, zone *time.Location) int64 {
	switch {
	case len(text) == len(rrule.DateFormat):
		return dayOf(until.Unix())
	case strings.HasSuffix(text, "Z"):
		wall := clock{zone: zone}
		return dayOf(wall.at(until.Unix()) - timeOfDay)
	}
	return dayOf(until.Unix() - timeOfDay)
}

// counted is the last of a number of days, as far as the calendar does not repeat.
func (r *rule) counted(count int) int64 {
	var p page
	for r.openAt(&p, r.first); p.before < r.first+cycle; r.open(&p, p.month+1) {
		days := p.days.from(max(r.first-p.before, 0))
		if days.len() < count {
			count -= days.len()
			continue
		}
		for ; count > 1; count-- {
			days &= days - 1
		}
		return p.before + days.min()
	}
	return math.MaxInt64
}
