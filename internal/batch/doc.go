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
//	 │                  │ nothing left               ask again                   │ no run is in flight
//	 │                  ▼                                                        ▼
//	 └──────────────────◄───────────────────────────────────────────────── Settling
//	                                memory written, pins released      one fresh clone: what happened
//
// A state is never stored: StateOf derives it from the labels of the pins, the selector of the automation and its two
// tokens, so a crash at any point leaves a state that the next leader continues from.
//
// Preparing: pins carry the batch label and select the wanted tag; the automation still selects AtRest, so nothing can be
// written. Armed: one guarded patch set the automation's selector, path, batch and token together. Disarming: one
// patch set the selector back, with a new token. Flux runs one object at a time, so once it has handled *that* token no
// older run is in flight. Only then is Git read and the outcome recorded: one clone tells everything, and Flux may write
// no longer than it has to.
//
// The package is pure: Next takes an Observation and returns one Action; Check and Settle judge what was read in Git.
package batch
