package schedule

import (
	"math"
	"time"
)

// Wall times and days are counted from 1970-01-01 00:00 on a wall clock, times are Unix times; all but days in seconds.
const secondsPerDay = 24 * 60 * 60

// clock is the wall clock of a zone. It remembers the time around the last question in which it is not adjusted.
type clock struct {
	zone *time.Location
	// known says that offset, from and until are set.
	known bool
	// offset of the wall clock to UTC for times from, inclusive, until, exclusive.
	offset, from, until int64
	// settled is from when no time of day can have come before it was adjusted.
	settled int64
}

// at is what the clock shows.
func (c *clock) at(t int64) int64 {
	if !c.known || t < c.from || t >= c.until {
		c.look(t)
	}
	return t + c.offset
}

// first is the first time at which the clock shows a wall time or a later one.
func (c *clock) first(wall int64) int64 {
	if t := wall - c.offset; c.known && t >= c.settled && t < c.until {
		return t
	}
	t := wall - secondsPerDay // no offset is that large, so it is earlier on the clock
	for {
		c.look(t)
		t = max(t, wall-c.offset)
		if t < c.until {
			return t
		}
		t = c.until
	}
}

// look learns the offset around a time.
func (c *clock) look(t int64) {
	local := time.Unix(t, 0).In(c.zone)
	_, offset := local.Zone()
	c.known, c.offset, c.from, c.until, c.settled = true, int64(offset), math.MinInt64, math.MaxInt64, math.MinInt64
	from, until := local.ZoneBounds()
	if !from.IsZero() {
		c.from = from.Unix()
		c.settled = c.from + 2*secondsPerDay
	}
	if !until.IsZero() {
		// On the last day of a leap year, ZoneBounds has an end that is over: ask again an hour later.
		if c.until = until.Unix(); c.until <= t {
			c.until = t + 60*60
		}
	}
}

// dayOf is the day of a wall time.
func dayOf(wall int64) int64 {
	day := wall / secondsPerDay
	if wall%secondsPerDay < 0 {
		day--
	}
	return day
}
