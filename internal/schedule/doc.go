// Package schedule says when upgrades may start. It is pure.
//
// A start is allowed while a window is open, or at any time if there are no windows, and no exclusion covers the time.
// Every occurrence of a window or exclusion goes from its start until, but not including, its end.
//
// # Wall clock
//
// An occurrence is on one day of the schedule's time zone, at startTime's time of day, and it lasts until the wall clock
// has moved on by what lies between the first startTime and endTime: 22:00 to 06:00 is that in summer and in winter,
// for seven, eight or nine hours. A time of day is the first moment at which the clock shows it or a later one:
//   - one that the clock skips is the moment at which it skips. An occurrence that is skipped as a whole is left out.
//   - one that comes twice is the first of both.
//
// # Recurrence
//
// A rule yields days, as RFC 5545 has them: every day, week (that begins at WKST) or month, or every INTERVAL-th from
// startTime's on, yields the days in it that have a BYDAY, a BYMONTHDAY and a BYMONTH, and of these the ones at BYSETPOS.
// A week without BYDAY has startTime's weekday, a month without BYDAY and BYMONTHDAY startTime's day. Days before
// startTime's do not count; startTime's own does only if the rule yields it. UNTIL is wall clock and the last start that
// is possible; without a time of day it is that whole day.
//
// github.com/teambition/rrule-go reads the rules, but does not expand them: it counts from the first occurrence for every
// question, and it searches until the year 9999 for one that a rule does not have. Here a rule is asked for one month, so
// every answer takes bounded time, whatever the rule.
package schedule
