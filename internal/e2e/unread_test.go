package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

// A push branch that is too large to be read keeps nobody waiting but the policy that names it, which says so.
func TestPushBranchTooLarge(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0", "three": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("proposed", ">=1.0.0", []string{"one"}, proposing)
	f.policy("plain", ">=1.0.0", []string{"two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	f.proposes("proposed", "1.1.0", "one")
	before := f.git("rev-parse", upgrades)
	_, err := f.repo.Commit(t.Context(), gitserver.Change{
		Branch: upgrades, Message: "A film", Files: map[string]string{"film.bin": strings.Repeat("\x00", 101<<20)},
	})
	must(t, err)

	f.release("1.2.0")
	f.scan()
	f.policy("new", ">=1.0.0", []string{"three"})
	eventually(t, "others are marked and upgraded", func() error {
		return errors.Join(f.marked("three"), f.inGit("two", "1.2.0"), f.inGit("three", "1.2.0"))
	})
	f.tellsUnread("proposed", "one", upgrades)
	must(t, f.inGit("one", "1.0.0"))

	f.git("update-ref", "refs/heads/"+upgrades, before)
	eventually(t, "the version is proposed once the branch can be read again", func() error { return f.onBranch(upgrades, "one", "1.2.0") })
	f.holds("proposed", "1.2.0", v1alpha1.AwaitingMergeReason)
}

// A branch for proposed markers that is too large to be read keeps only those waiting whose markers are to be proposed there.
func TestMarkersBranchTooLarge(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("marked", ">=1.0.0", []string{"two"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("two") })
	f.proposes("marked", "1.1.0", "two")
	f.repo.Protect(gitserver.DefaultBranch)
	_, err := f.repo.Commit(t.Context(), gitserver.Change{
		Branch: "main-markers", Message: "A film", Files: map[string]string{"film.bin": strings.Repeat("\x00", 101<<20)},
	})
	must(t, err)
	f.policy("new", ">=1.0.0", []string{"one"}, proposing)
	f.tellsUnread("new", "one", "main-markers")
	f.release("1.2.0")
	f.scan()
	eventually(t, "others are upgraded", func() error { return f.onBranch(upgrades, "two", "1.2.0") })

	f.git("branch", "-D", "main-markers")
	eventually(t, "the marker is proposed once the branch is gone", func() error {
		return f.target("new", "one", withFinding(v1alpha1.AwaitingMergeReason))
	})
}

// tellsUnread waits until a policy says of a target that a branch cannot be read.
func (f *fleet) tellsUnread(policy, app, branch string) {
	f.Helper()
	eventually(f.T, "policy "+policy+" says so", func() error {
		return f.target(policy, app, func(status v1alpha1.TargetStatus) error {
			if err := withFinding(v1alpha1.GitUnreadableReason)(status); err != nil {
				return err
			}
			if !strings.Contains(status.Finding.Message, "branch "+branch) {
				return fmt.Errorf("the message is %q", status.Finding.Message)
			}
			return nil
		})
	})
}
