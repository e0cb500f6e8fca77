// Package resolve finds what a policy is about: its targets, their chart, and where in Git their versions are written, and
// what a start depends on that others say: schedules, and the policies of dependsOn.
//
// It reads, mostly from the cache, and changes nothing. What keeps one target from being managed is a finding on that
// target and no error: the others go on.
package resolve
