// Package checks reads the objects of rollout.health.checks and judges them by kstatus, as Flux does. It differs from
// kstatus in two kinds: a Job must be complete, and an App, of which kstatus knows nothing, deployed at its version.
//
// The objects are read from the API server itself, one by one, so that none is kept in memory. What wakes a policy is a watch of
// the kind's metadata, started when a kind is first asked for:
//
//	reader, err := checks.New(mgr)
//	err = reader.Watch(ctx, policies) // the controller of AppUpgradePolicies: adds the field index and the source
//	found, err := reader.Read(ctx, policy.Namespace, policy.Spec.Rollout.Health.Checks)
//
// A kind that cannot be watched, because the operator may not or too many are watched already, is polled: Read puts the
// policies that name the object into the queue again.
package checks
