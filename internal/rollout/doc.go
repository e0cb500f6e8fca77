// Package rollout decides which version may go to which target, and when. It is pure: the same Input gives the same
// Decision, and the time is part of the input.
//
// A decision is made from scratch each time, in this order:
//
//	remember   suspension and resume tokens                                          remember.go
//	step       with neverSkip: what is the next step of each target?                 steps.go
//	see        the candidate enters the ledger; which versions are on offer?         seen.go, offers.go
//	approve    the approval enters the ledger                                        approve.go
//	track      how far is each running upgrade, and how healthy each target?         track.go, health.go
//	judge      a version that failed too often is blocked                            judge.go
//	prove      which versions have soaked in which wave?                             prove.go
//	choose     each target: roll back, or take the newest version that passes        choose.go, rollback.go
//	record     the history                                                           history.go
//
// What must survive is in the pins (pin.Upgrade) and on the candidate (pin.Ledger), and every step can be done twice: pins
// are written before the candidate, and the operator may die between any two writes. Only what is blocked is written before
// the pins: one that goes back does not tell any more what failed.
package rollout
