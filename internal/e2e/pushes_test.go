package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A tenant may push markers and versions with the platform's credentials, but chooses no branch and no push options unless the
// platform grants them. What was granted and is not any more ends with everything else as it is.
func TestTenantPushesAsGranted(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	before := f.file("one")
	platform := f.platform()
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("tenant", ">=1.0.0", []string{"one"}, proposing, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Git.SourceRef = &v1alpha1.SourceReference{Name: platform.Name, Namespace: platform.Namespace}
	})
	eventually(t, "it is told what to grant", func() error {
		return f.target("tenant", "one", func(s v1alpha1.TargetStatus) error {
			for _, words := range []string{v1alpha1.AllowPushBranchesAnnotation + "=" + upgrades, v1alpha1.AllowPushOptionsAnnotation + "=merge_request.create"} {
				if s.Finding == nil || !strings.Contains(s.Finding.Message, words) {
					return fmt.Errorf("the finding is %+v, which lacks %s", s.Finding, words)
				}
			}
			return withFinding(v1alpha1.PushForbiddenReason)(s)
		})
	})
	must(t, f.nothingToWrite())
	if counts := f.repo.Counts(); counts.Pushes > 0 {
		t.Errorf("the repository was pushed to: %+v", counts)
	}

	annotate(t, platform, v1alpha1.AllowPushBranchesAnnotation, "up*")
	annotate(t, platform, v1alpha1.AllowPushOptionsAnnotation, "merge_request.create")
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.proposes("tenant", "1.1.0", "one")

	annotate(t, platform, v1alpha1.AllowPushBranchesAnnotation, "other")
	annotate(t, platform, v1alpha1.AllowPushOptionsAnnotation, "")
	eventually(t, "it is forbidden again", func() error { return f.target("tenant", "one", withFinding(v1alpha1.PushForbiddenReason)) })
	eventually(t, "the repository is at rest", f.atRest)
	pushed := f.repo.Counts().Pushes
	options, err := f.repo.PushOptions()
	must(t, err)
	f.release("1.2.0")
	f.scan()
	eventually(t, "the new version is seen", func() error { return f.available("tenant", "1.2.0") })
	eventually(t, "the repository is at rest", f.atRest)
	if now := f.repo.Counts().Pushes; now != pushed {
		t.Errorf("%d pushes became %d", pushed, now)
	}

	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	must(t, f.unmarked(map[string]string{"one": before}, "one"))
	if now, err := f.repo.PushOptions(); err != nil || !slices.Equal(now, options) {
		t.Errorf("the push options %q became %q (%v)", options, now, err)
	}
}

// While a proposal waits to be merged, each commit of others is read once, and both branches with it.
func TestWaitingProposalCostsOneFetchForEachCommit(t *testing.T) {
	const commits = 5
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("waits", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.proposes("waits", "1.1.0", "one")
	eventually(t, "Flux has applied what is in Git", func() error { return f.applied(f.log()[0].Hash) })
	f.annotated("waits", "example.com/looked", "yes")
	eventually(t, "the last commit is read", func() error { return f.read("one", f.log()[0].Hash) })
	f.repo.ResetCounts()
	for i := range commits {
		head, err := f.repo.Commit(t.Context(), gitserver.Change{
			Message: "Somebody else's work", Files: map[string]string{"README.md": fmt.Sprintf("# Edition %d\n", i)},
		})
		must(t, err)
		eventually(t, "Flux has applied it, and the operator has read it", func() error {
			if err := f.applied(head); err != nil {
				return err
			}
			return f.read("one", head)
		})
	}
	// Flux's source-controller fetches each commit once, and so does the operator. Either may have been about to when it began.
	if counts := f.repo.Counts(); counts.Fetches > 2*commits+2 || counts.Pushes > 0 {
		t.Errorf("%d commits cost %+v", commits, counts)
	}
}

// read complains unless the operator has read a commit for an App.
func (f *fleet) read(app, hash string) error {
	object := &imagev1.ImagePolicy{}
	key := client.ObjectKey{Namespace: f.namespace, Name: pin.Name("App", app)}
	if err := env.Client.Get(f.Context(), key, object); err != nil {
		return err
	}
	memory, err := pin.MemoryOf(object)
	if err == nil && memory.Revision != hash {
		return fmt.Errorf("it has read %s, want %s", memory.Revision, hash)
	}
	return err
}

// Where the server takes no pushes to the branch that Flux applies, the removal of markers is proposed, too. A deleted policy waits
// for a human to merge that.
func TestRemovalIsProposedForProtectedBranch(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	before := map[string]string{"one": f.file("one"), "two": f.file("two")}
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("deleted", ">=1.0.0", []string{"one"}, proposing)
	f.policy("stays", ">=1.0.0", []string{"two"})
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	eventually(t, "the repository is at rest", f.atRest)
	f.repo.Protect(gitserver.DefaultBranch)
	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "it waits for the merge", func() error { return f.target("deleted", "one", withFinding(v1alpha1.AwaitingMergeReason)) })
	must(t, f.marked("one"))
	if proposed := f.git("show", "main-markers:"+path("one")) + "\n"; proposed != before["one"] {
		t.Errorf("what is proposed is\n%s\nwant\n%s", proposed, before["one"])
	}

	f.git("update-ref", "refs/heads/main", "refs/heads/main-markers")
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	must(t, f.unmarked(before, "one"))
	must(t, f.marked("two"))
}

// A marker that is only proposed is taken back when its policy is deleted, and nobody has to merge that.
func TestProposedMarkerIsTakenBack(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	before := f.file("one")
	f.repo.Protect(gitserver.DefaultBranch)
	startOperator(t, environment.OperatorOptions{})
	policy := f.policy("short", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "its marker waits to be merged", func() error { return f.target("short", "one", withFinding(v1alpha1.AwaitingMergeReason)) })
	if proposed := f.git("show", "main-markers:"+path("one")) + "\n"; proposed == before {
		t.Fatal("no marker is proposed")
	}
	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	if proposed := f.git("show", "main-markers:"+path("one")) + "\n"; proposed != before {
		t.Errorf("what is proposed is\n%s\nwant\n%s", proposed, before)
	}
	eventually(t, "nothing is left that Flux could write", f.nothingToWrite)
}

// Nobody has to merge it: then the policy goes, and says what is left.
func TestRemovalThatNobodyMerges(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{Args: []string{"--finalizer-timeout=10s"}})
	policy := f.policy("left", ">=1.0.0", []string{"one"}, proposing)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.repo.Protect(gitserver.DefaultBranch)
	must(t, env.Client.Delete(t.Context(), policy))
	eventually(t, "the policy is gone", func() error { return gone(t, policy) })
	f.told("left", v1alpha1.MarkerLeftReason)
	must(t, f.marked("one"))
	eventually(t, "nothing is left that Flux could write", f.nothingToWrite)
}

// Markers of policies with different push options are pushed by different commits, so that each is pushed as its policy says.
func TestPushOptionsOfTwoPolicies(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0", "two": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	for _, app := range []string{"one", "two"} {
		f.policy(app, ">=1.0.0", []string{app}, func(p *v1alpha1.AppUpgradePolicy) {
			p.Spec.Git = &v1alpha1.Git{Push: &v1alpha1.Push{Options: map[string]v1alpha1.PushOption{"ci.variable": v1alpha1.PushOption("APP=" + app)}}}
		})
	}
	eventually(t, "the Apps are marked", func() error { return f.marked("one", "two") })
	options, err := f.repo.PushOptions()
	must(t, err)
	slices.Sort(options)
	if want := []string{"ci.variable=APP=one", "ci.variable=APP=two"}; !slices.Equal(options, want) {
		t.Errorf("the pushes have the options %q, want %q", options, want)
	}
}

// platform makes a GitRepository of another namespace, which lends the fleet's repository and its credentials to the fleet.
func (f *fleet) platform() *sourcev1.GitRepository {
	f.Helper()
	metadata := metav1.ObjectMeta{
		Namespace: strings.Replace(f.namespace, "org-", "platform-", 1), Name: "fleet",
		Annotations: map[string]string{v1alpha1.AllowNamespacesAnnotation: f.namespace},
	}
	must(f.T, env.CreateNamespace(f.Context(), metadata.Namespace))
	must(f.T, env.Client.Create(f.Context(), &corev1.Secret{
		ObjectMeta: metadata, StringData: map[string]string{"username": upgrader.Name, "password": upgrader.Password},
	}))
	platform := &sourcev1.GitRepository{ObjectMeta: metadata, Spec: sourcev1.GitRepositorySpec{
		URL: f.repo.URL(), Interval: metav1.Duration{Duration: time.Second}, SecretRef: &meta.LocalObjectReference{Name: metadata.Name},
		Reference: &sourcev1.GitRepositoryRef{Branch: gitserver.DefaultBranch},
	}}
	must(f.T, env.Client.Create(f.Context(), platform))
	f.Cleanup(func() { _ = env.Client.Delete(cleanupContext(f.T), platform) })
	return platform
}
