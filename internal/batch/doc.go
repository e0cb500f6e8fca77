// Package batch moves versions: it is the protocol by which Flux is allowed to write, for a moment, exactly the lines
// that every gate has opened.
//
// Flux may write a line only while its automation's policySelector names the batch of the line's pin. Suspending an
// ImagePolicy does not stop Flux, and any change of any policy runs every automation of the namespace, so the selector
// is the one switch that holds (see fluxcd/image-automation-controller, getPolicies and automationsForImagePolicy).
//
// One batch at a time per repository branch:
//
//	       movers                every pin selects            observed, failed,
//	Rest ─────────► Preparing ─────────► (check) ─► Armed ─────────────────► Disarming
//	 ▲                  │    one fresh clone:         │ ▲  suspend, deadline,    │
//	 │                  │    lines still read From    └─┘  other leader          │ rest token handled:
//	 │                  │ nothing left, or           ask again                   │ no run is in flight
//	 │                  ▼ another leader's                                       ▼
//	 └──────────────────◄───────────────────────────────────────────────── Settling
//	                                memory written, pins released      one fresh clone: what happened
//
// A state is never stored: StateOf derives it from the labels of the pins, the selector of the automation, its two tokens
// and its memory of the last batch, so a crash at any point leaves a state that the next leader continues from.
//
// Preparing: pins carry the batch label and select the wanted tag; the automation still selects AtRest, so nothing can be
// written. Armed: one guarded patch set the automation's selector, path, batch and token together. Disarming: one
// patch set the selector back, with a new token. Flux runs one object at a time, so once it has handled that token, or one
// that a human set over it, no older run is in flight. Only then is Git read and the outcome recorded: one clone tells
// everything, and Flux may write no longer than it has to.
//
// Two processes may believe to lead. An object's version guards every write, but labels are on pins and the selector is on
// the automation, and no write guards both. So a batch belongs to the process that prepared it, by its id: no other lets
// pins join or leave it, or arms it. Another one abandons it, by a patch of the automation that makes the owner's arming
// fail, and an armed batch of another process it disarms. A process itself decides these actions on fresh reads (MustBeFresh).
//
// What a human commits between the check and Flux's push, or between two pushes of one armed batch, Flux overwrites. The
// trailers of the batch's commits tell, and the next batch gives the value back (Settle). Not told apart, and left so: an
// automation that somebody deletes while it is armed takes its memory along.
//
// A pin goes upward only, but for two cases: a value that is given back to a human, and a rollback. The intent of a rollback
// names the version that it leaves, and Git must have exactly that one: whatever else stands there is a human's. A rollback
// that was written is not done again, so a human may put the failed version back. Not told apart, and left so: a human who
// leaves the failed version and takes it again before the policy has seen it.
//
// The policy decides what a pin wants while its schedules are open, and may be slow to take it back, or dead. So a version
// starts, and Flux may go on to write it, only while the pin is not Closed; a human's value is given back at any time.
//
// With a push branch, versions are proposed: Flux writes that branch, and a human merges it into the checkout branch. The line
// that counts is the push branch's while a proposal of ours stands there, else that of the checkout branch (Proposed,
// recallProposal), so that the protocol is the same. A proposal that the policy does not want any more is taken back by a batch
// with what the checkout branch has (withdrawal), whatever schedules say: no version starts by it. One that a human takes away
// is refused like a version that is reverted. What else stands on the push branch is not touched (Stale). Nothing that Flux overwrote
// there is given back: a human decides about the branch as it is.
//
// A human who asks to go on (Intent.Resume) ends the hold of each pin, and what failed for it; a marker that a human deleted
// is placed anew by the visit that follows.
//
// The package is pure: Next takes an Observation and returns one Action; Check and Settle judge what was read in Git.
package batch
