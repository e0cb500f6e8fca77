// Package demo upgrades Apps in the local environment, tells what happens as it happens, and checks it in the end.
//
//	demo.go       starts and stops everything
//	scenario.go   the story, step by step
//	cast.go       the Apps, their charts and versions that the story needs
//	fleet.go      the Apps of the policy with waves; fleet_story.go and fleet_checks.go are its part of the story and the checks
//	samples.go    the policies of config/samples
//	watcher.go    hears of changes in the cluster and in Git
//	world.go      PURE: what is known, and what is worth telling about a change
//	policies.go   PURE: what is worth telling about a policy
//	complaints.go PURE: what is not yet as a step waits for
//	commits.go    PURE: commits and what they change
//	checks.go     PURE: what had to happen and what must not
//	record.go     PURE: what the checks read
//	timeline.go   prints
//	table.go      prints what kubectl would
//	keep.go       how to use the environment afterwards
package demo
