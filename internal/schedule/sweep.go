package schedule

import "time"

// Horizon is how far Opens and Closes look ahead: far enough for a 29th of February, but for the one that 2100 does not have.
const Horizon = horizon * time.Second

const horizon = 5 * 366 * secondsPerDay

// Opens is the earliest time, not before now, at which every schedule allows a start. It is false if there is none within
// Horizon.
func Opens(now time.Time, all ...Schedule) (at time.Time, ok bool) {
	sweeps := sweepsOf(now, all)
	t := now.Unix()
	for agreed := 0; agreed < len(sweeps); {
		for _, s := range sweeps {
			opens, ok := s.opens(t)
			if !ok {
				return time.Time{}, false
			}
			if opens > t {
				t, agreed = opens, 0
			}
			agreed++
		}
	}
	return timeOf(t, now), true
}

// Closes is the earliest time, not before now, at which one of the schedules does not allow a start. It is false if there is
// none within Horizon.
func Closes(now time.Time, all ...Schedule) (at time.Time, ok bool) {
	var earliest int64
	for _, s := range sweepsOf(now, all) {
		if closes, found := s.closes(now.Unix()); found && (!ok || closes < earliest) {
			earliest, ok = closes, true
		}
	}
	if !ok {
		return time.Time{}, false
	}
	return timeOf(earliest, now), true
}

// timeOf is now, with its fraction of a second, if that is the time.
func timeOf(t int64, now time.Time) time.Time {
	if t == now.Unix() {
		return now
	}
	return time.Unix(t, 0).UTC()
}

// sweep asks a schedule for one time after the other, none before the one before.
type sweep struct {
	wall clock
	// limit of the times that it looks at.
	limit               int64
	windows, exclusions []cursor
}

func sweepsOf(now time.Time, all []Schedule) []*sweep {
	var sweeps []*sweep
	for _, schedule := range all {
		s := &sweep{wall: clock{zone: schedule.zone}, limit: now.Unix() + horizon}
		s.windows = s.cursors(schedule.windows, now.Unix())
		s.exclusions = s.cursors(schedule.exclusions, now.Unix())
		sweeps = append(sweeps, s)
	}
	return sweeps
}

func (s *sweep) cursors(windows []window, t int64) []cursor {
	cursors := make([]cursor, len(windows))
	for i := range windows {
		w := &windows[i]
		cursors[i] = cursor{window: w, day: w.earliest(s.wall.at(t)) - 1, span: span{start: t, end: t}}
	}
	return cursors
}

// opens is the earliest time from t on at which the schedule allows a start.
func (s *sweep) opens(t int64) (int64, bool) {
	for t <= s.limit {
		if _, end, covered := s.seek(s.exclusions, t); covered {
			t = end
			continue
		}
		start, _, covered := s.seek(s.windows, t)
		if covered || len(s.windows) == 0 {
			return t, true
		}
		t = start
	}
	return 0, false
}

// closes is the earliest time from t on at which the schedule does not allow a start.
func (s *sweep) closes(t int64) (int64, bool) {
	stop, _, covered := s.seek(s.exclusions, t)
	if covered {
		return t, true
	}
	for t < stop && len(s.windows) > 0 {
		_, end, covered := s.seek(s.windows, t)
		if !covered {
			return t, true
		}
		t = end
	}
	return stop, stop <= s.limit
}

// seek says until when one of the windows covers t or, if none does, when the next one starts, which is after the limit if
// there is none.
func (s *sweep) seek(windows []cursor, t int64) (start, end int64, covered bool) {
	start = s.limit + 1
	for i := range windows {
		c := &windows[i]
		if c.end <= t {
			c.move(t, s.limit, &s.wall)
		}
		if c.start > t {
			start = min(start, c.start)
		} else {
			end, covered = max(end, c.end), true
		}
	}
	return start, end, covered
}
