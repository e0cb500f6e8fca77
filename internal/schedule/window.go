package schedule

import (
	"errors"
	"fmt"
	"math"
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

// earliest is a day before which no occurrence has started that lasts until a wall time. Two days are for the clock, which
// may have been adjusted since.
func (w *window) earliest(wall int64) int64 { return dayOf(wall-w.length) - 2 }

// covering is the occurrence that covers a time, of several the one that ends last. Occurrences that start later do not end
// earlier, so it is the last one that starts.
func (w *window) covering(at int64, wall *clock) (span, bool) {
	var p page
	now := wall.at(at)
	// On a clock that was set back at midnight, tomorrow may have begun already.
	day, ok := w.days.previous(dayOf(now)+1, w.earliest(now), &p)
	for ok {
		if found := w.occurrence(day, wall); found.start <= at {
			return found, at < found.end
		}
		day, ok = w.days.previous(day-1, w.earliest(now), &p)
	}
	return span{}, false
}

// cursor goes through the occurrences of a window.
type cursor struct {
	// span of the occurrence at which it is; both ends are beyond all time if there are no more.
	span
	window *window
	// day of that occurrence.
	day  int64
	page page
}

// move goes on to the first occurrence that ends after a time. None starts after a limit.
func (c *cursor) move(at, limit int64, wall *clock) {
	for c.end <= at || c.end <= c.start {
		day, ok := c.window.days.next(c.day+1, dayOf(limit)+2, &c.page) // the clock's offset is less than two days
		if !ok {
			c.span = span{start: math.MaxInt64 - 1, end: math.MaxInt64}
			return
		}
		c.day, c.span = day, c.window.occurrence(day, wall)
	}
}
