// Package policy is the controller with one key per AppUpgradePolicy. It finds what a policy is about, decides what each
// pin should want, applies that to the Flux objects, and writes the policy's status. It never touches Git and arms
// nothing: that is the repository controller's, which reads the intents that this one writes.
//
//	resolve → rollout.Decide → fluxobjects → apply → status
//
// What a policy remembers is in an annotation of its candidate, and what it remembers of a target on the target's pin: the
// status is a view, and losing it changes nothing.
//
// Flux's and the App Platform's custom resource definitions may be installed after the operator. Until those are there that
// every policy needs, and those of a policy's kinds of targets, it says FluxMissing and is looked at again from time to time;
// then the remaining watches are started, once. What a kind of targets needs is watched when the first policy asks for it, in the
// background: a kind that cannot be read stops the policies that need it and no others, and keeps none from being deleted.
//
// What a policy that cannot work at all (condition Stalled) has made so far stays as it is.
package policy
