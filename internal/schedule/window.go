package schedule

import (
	"errors"
	"fmt"
	"time"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// window is a time that may come again.
type window struct {
	name string
	// first occurrence: it is exact where the wall clock is not.
	first span
	// days on which there is an occurrence, the time of day at which it starts, and how long it lasts on the wall clock.
	days      rule
	timeOfDay int64
	length    int64
}

// span is the time from start, inclusive, until end, exclusive.
type span struct{ start, end int64 }

func parseWindow(spec v1alpha1.TimeWindow, zone *time.Location) (window, error) {
	if spec.StartTime.IsZero() {
		return window{}, errors.New("startTime: is missing")
	}
	first := span{start: spec.StartTime.Unix(), end: spec.EndTime.Unix()}
	if first.end <= first.start {
		return window{}, errors.New("endTime: must be after startTime")
	}
	wall := clock{zone: zone}
	start, end := wall.at(first.start), wall.at(first.end)
	day := dayOf(start)
	parsed := window{name: spec.Name, first: first, timeOfDay: start - day*secondsPerDay, length: end - start, days: once(day)}
	if spec.Recurrence == "" {
		return parsed, nil
	}
	if parsed.length <= 0 {
		return window{}, errors.New("endTime: is not after startTime on the wall clock, which is set back in between: " +
			"choose another first occurrence")
	}
	if parsed.length > horizon {
		return window{}, fmt.Errorf("endTime: must be within %d days of startTime if there is a recurrence", horizon/secondsPerDay)
	}
	var err error
	if parsed.days, err = parseRule(spec.Recurrence, day, parsed.timeOfDay, zone); err != nil {
		return window{}, fmt.Errorf("recurrence: %w", err)
	}
	return parsed, nil
}

// occurrence of one of the window's days. It is empty if the clock skips it.
func (w *window) occurrence(day int64, wall *clock) span {
	if day == w.days.first {
		return w.first
	}
	start := day*secondsPerDay + w.timeOfDay
	return span{start: wall.first(start), end: wall.first(start + w.length)}
}

// covering is the occurrence that covers a time, of several the one that ends last. Occurrences that start later do not end
// earlier, so it is the last one that starts.
func (w *window) covering(at int64, wall *clock) (span, bool) {
	now := wall.at(at)
	earliest := dayOf(now-w.length) - 2 // the clock may have been adjusted since
	// On a clock that was set back at midnight, tomorrow may have begun already.
	day, ok := w.days.previous(dayOf(now)+1, earliest)
	for ok {
		if found := w.occurrence(day, wall); found.start <= at {
			return found, at < found.end
		}
		day, ok = w.days.previous(day-1, earliest)
	}
	return span{}, false
}

// following is the first occurrence that starts after a time, but not after a limit.
func (w *window) following(at, limit int64, wall *clock) (span, bool) {
	latest := dayOf(limit) + 2 // the clock's offset is less than that
	day, ok := w.days.next(dayOf(wall.at(at))-1, latest)
	for ok {
		found := w.occurrence(day, wall)
		if found.start > limit {
			break
		}
		if found.start > at && found.start < found.end {
			return found, true
		}
		day, ok = w.days.next(day+1, latest)
	}
	return span{}, false
}
