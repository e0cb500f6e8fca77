// Package rollout decides which version may go to which target, and when. It is pure: the same Input gives the same
// Decision, and the time is part of the input.
package rollout
