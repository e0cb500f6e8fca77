package e2e

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// upgrades is the push branch of these tests.
const upgrades = "upgrades"

// proposing lets a policy push versions to a branch of their own.
func proposing(p *v1alpha1.AppUpgradePolicy) {
	p.Spec.Git = &v1alpha1.Git{Push: &v1alpha1.Push{Branch: upgrades, Options: map[string]v1alpha1.PushOption{"merge_request.create": "true"}}}
}

// A version is proposed, replaced by a newer one, and installed once a human has merged it. The old branch makes room for
// the next proposal, and a proposal that a human refuses is not made again.
func TestProposalsAreMerged(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("proposed", ">=1.0.0", []string{"one", "two"}, proposing)
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	f.proposes("proposed", "1.1.0", "one", "two")
	f.proposes("proposed", "1.2.0", "one", "two")
	must(t, f.inGit("one", "1.0.0"))
	must(t, f.deployed("one", "1.0.0"))

	f.git("update-ref", "refs/heads/main", "refs/heads/"+upgrades)
	f.everyoneRuns("proposed", "1.2.0", "one", "two")

	f.edit("Something else", map[string]string{"README.md": "# Changed\n"})
	f.proposes("proposed", "1.3.0", "one", "two")
	if base := f.git("merge-base", "main", upgrades); base != f.git("rev-parse", "main") {
		t.Errorf("the branch %s is behind main", upgrades)
	}

	f.git("update-ref", "-d", "refs/heads/"+upgrades)
	f.annotated("proposed", "example.com/closed", "yes")
	f.holds("proposed", "1.3.0", v1alpha1.ManualHoldReason)
	must(t, f.inGit("one", "1.2.0"))
	f.proposes("proposed", "1.4.0", "one", "two")
	options, err := f.repo.PushOptions()
	must(t, err)
	if !slices.Contains(options, "merge_request.create=true") {
		t.Errorf("the pushes have the options %q", options)
	}
}

// A proposal that is excluded is withdrawn, and one that is merged meanwhile is not touched.
func TestProposalIsWithdrawn(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("withdrawn", ">=1.0.0", []string{"one", "two"}, proposing)
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	f.proposes("withdrawn", "1.1.0", "one", "two")

	f.exclude("withdrawn", "1.1.0")
	eventually(t, "the proposal is withdrawn", func() error {
		for _, app := range []string{"one", "two"} {
			if err := f.onBranch(upgrades, app, "1.0.0"); err != nil {
				return err
			}
			if err := f.target("withdrawn", app, settled); err != nil {
				return err
			}
		}
		return f.atRest()
	})
	log, err := f.repo.Log(t.Context(), upgrades)
	must(t, err)
	if !strings.HasPrefix(log[0].Message, "Withdraw 2 versions") {
		t.Errorf("the last commit says %q", log[0].Message)
	}
	f.proposes("withdrawn", "1.2.0", "one", "two")
	f.git("update-ref", "refs/heads/main", "refs/heads/"+upgrades)
	f.everyoneRuns("withdrawn", "1.2.0", "one", "two")
}

// A target that leaves its policy takes its proposal with it, so that those of others can still be merged; so does a policy that is
// deleted, although it was suspended.
func TestProposalLeavesWithItsPolicy(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	before := f.file("two")
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("leaving", ">=1.0.0", []string{"one", "two"}, proposing)
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	f.proposes("leaving", "1.1.0", "one", "two")

	must(t, env.Client.Patch(t.Context(), f.get("leaving"), mergePatch(`{"spec":{"targets":[{"name":"one"}]}}`)))
	eventually(t, "the proposal of one App is taken back, and its marker is removed", func() error {
		if after := f.file("two"); after != before {
			return fmt.Errorf("the file is\n%s", after)
		}
		return errors.Join(f.onBranch(upgrades, "one", "1.1.0"), f.onBranch(upgrades, "two", "1.0.0"), f.atRest())
	})
	f.mergesCleanly(upgrades)

	f.suspend("leaving", true)
	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	must(t, f.onBranch(upgrades, "one", "1.0.0"))
	f.mergesCleanly(upgrades)
}

// mergesCleanly complains if a branch conflicts with the checkout branch.
func (f *fleet) mergesCleanly(branch string) {
	f.Helper()
	f.git("merge-tree", "--write-tree", f.branch, branch)
}

// Where the server takes no pushes to the branch that Flux applies, markers are proposed, too.
func TestMarkersAreProposedForProtectedBranch(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	f.repo.Protect(gitserver.DefaultBranch)
	startOperator(t, environment.OperatorOptions{})
	f.policy("protected", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the markers wait to be merged", func() error {
		return f.target("protected", "one", withFinding(v1alpha1.AwaitingMergeReason))
	})
	if f.marked("one") == nil {
		t.Fatal("the protected branch has the marker")
	}
	must(t, f.target("protected", "one", inState(v1alpha1.TargetPending)))

	f.git("update-ref", "refs/heads/main", "refs/heads/main-markers")
	must(t, f.marked("one"))
	f.proposes("protected", "1.1.0", "one")
	f.git("update-ref", "refs/heads/main", "refs/heads/"+upgrades)
	f.everyoneRuns("protected", "1.1.0", "one")
}

// A branch that was there before is nobody's to write: nothing is proposed until it is gone.
func TestPushBranchOfSomebodyElse(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	f.git("branch", upgrades, "main")
	before := f.git("rev-parse", upgrades)
	startOperator(t, environment.OperatorOptions{})
	f.policy("strange", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.release("1.1.0")
	f.scan()
	eventually(t, "the policy says so", func() error {
		return f.target("strange", "one", withFinding(v1alpha1.StaleBranchReason))
	})
	eventually(t, "the repository is at rest", f.atRest)
	if after := f.git("rev-parse", upgrades); after != before {
		t.Errorf("the branch was at %s and is at %s", before, after)
	}
	f.git("branch", "-D", upgrades)
	eventually(t, "the version is proposed", func() error { return f.onBranch(upgrades, "one", "1.1.0") })
	f.holds("strange", "1.1.0", v1alpha1.AwaitingMergeReason)
}

// proposes releases a version and waits until it is proposed for Apps, and for nothing but a human.
func (f *fleet) proposes(policy, version string, apps ...string) {
	f.Helper()
	eventually(f.T, "the repository is at rest", f.atRest)
	f.release(version)
	f.scan()
	eventually(f.T, version+" is proposed", func() error {
		for _, app := range apps {
			if err := f.onBranch(upgrades, app, version); err != nil {
				return err
			}
			if err := f.target(policy, app, inState(v1alpha1.TargetHeld)); err != nil {
				return err
			}
		}
		return f.atRest()
	})
	f.holds(policy, version, v1alpha1.AwaitingMergeReason)
}

// onBranch complains unless a branch has a version for an App.
func (f *fleet) onBranch(branch, app, version string) error {
	content, err := f.repo.File(f.Context(), branch, path(app))
	if err != nil {
		return err
	}
	if !strings.Contains(content, "\n  version: "+version+" #") {
		return fmt.Errorf("branch %s has not %s for %s:\n%s", branch, version, app, content)
	}
	return nil
}

// git runs git in the bare repository.
func (f *fleet) git(args ...string) string {
	f.Helper()
	out, err := exec.CommandContext(f.Context(), "git", append([]string{"-C", f.repo.Dir()}, args...)...).Output()
	must(f.T, err)
	return strings.TrimSpace(string(out))
}

// A policy that names another push branch takes its proposal back from the old one, and makes it on the new one.
func TestPushBranchIsChanged(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("moved", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.proposes("moved", "1.1.0", "one")
	eventually(t, "its pin selects what is merged", func() error { return f.selects("one", "1.0.0") })

	must(t, env.Client.Patch(t.Context(), f.get("moved"), mergePatch(`{"spec":{"git":{"push":{"branch":"next"}}}}`)))
	eventually(t, "it is proposed on the new branch only", func() error {
		return errors.Join(f.onBranch(upgrades, "one", "1.0.0"), f.onBranch("next", "one", "1.1.0"), f.atRest())
	})
	f.holds("moved", "1.1.0", v1alpha1.AwaitingMergeReason)

	must(t, env.Client.Patch(t.Context(), f.get("moved"), mergePatch(`{"spec":{"git":{"push":null}}}`)))
	eventually(t, "it is withdrawn, and written without a proposal", func() error {
		return errors.Join(f.onBranch("next", "one", "1.0.0"), f.inGit("one", "1.1.0"), f.atRest())
	})
}

// selects complains unless the pin of an App selects a tag.
func (f *fleet) selects(app, tag string) error {
	var object imagev1.ImagePolicy
	key := client.ObjectKey{Namespace: f.namespace, Name: pin.Name("App", app)}
	if err := env.Client.Get(f.Context(), key, &object); err != nil {
		return err
	}
	if latest := object.Status.LatestRef; latest == nil || latest.Tag != tag {
		return fmt.Errorf("ImagePolicy %s selects %+v, not %s", key, latest, tag)
	}
	return nil
}

// What a human adds to a push branch is never deleted: once the branch is behind, nothing more is proposed until the human has seen to it.
func TestPushBranchWithCommitOfHuman(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("shared", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.proposes("shared", "1.1.0", "one")
	_, err := f.repo.Commit(t.Context(), gitserver.Change{Branch: upgrades, Message: "For 1.1.0", Files: map[string]string{"values.md": "new\n"}})
	must(t, err)
	f.exclude("shared", "1.1.0")
	eventually(t, "the proposal is withdrawn", func() error { return errors.Join(f.onBranch(upgrades, "one", "1.0.0"), f.atRest()) })

	f.edit("Something else", map[string]string{"README.md": "# Changed\n"})
	before := f.git("rev-parse", upgrades)
	f.release("1.2.0")
	f.scan()
	eventually(t, "the policy says so", func() error {
		return f.target("shared", "one", withFinding(v1alpha1.StaleBranchReason))
	})
	if after := f.git("rev-parse", upgrades); after != before {
		t.Errorf("the branch was at %s and is at %s", before, after)
	}
	f.git("update-ref", "-d", "refs/heads/"+upgrades)
	eventually(t, "the version is proposed", func() error { return f.onBranch(upgrades, "one", "1.2.0") })
}

// A proposal is taken back from a branch that a human has rebased, and the branch is deleted when it is behind.
func TestProposalOnRebasedBranch(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("rebased", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.proposes("rebased", "1.1.0", "one")
	tree, message := f.git("rev-parse", upgrades+"^{tree}"), f.git("log", "-1", "--format=%B", upgrades)
	f.git("update-ref", "refs/heads/main", f.git("commit-tree", "main^{tree}", "-p", "main", "-m", "Nothing"))
	f.git("update-ref", "refs/heads/"+upgrades, f.git("commit-tree", tree, "-p", "main", "-m", message))

	f.exclude("rebased", "1.1.0")
	eventually(t, "the proposal is withdrawn", func() error { return errors.Join(f.onBranch(upgrades, "one", "1.0.0"), f.atRest()) })
	f.edit("Something else", map[string]string{"README.md": "# Changed\n"})
	f.proposes("rebased", "1.2.0", "one")
	if base := f.git("merge-base", "main", upgrades); base != f.git("rev-parse", "main") {
		t.Errorf("the branch %s is behind main", upgrades)
	}
}

// exclude takes a version out of what a policy admits.
func (f *fleet) exclude(policy, version string) {
	f.Helper()
	must(f.T, env.Client.Patch(f.Context(), f.get(policy), mergePatch(`{"spec":{"versions":{"exclude":[%q]}}}`, version)))
}
