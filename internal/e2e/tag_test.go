package e2e

import (
	"fmt"
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The tag that an App would pull is deleted while Flux still finds the version, under the tag with a `v`: this is said, Git
// stays as it is, and the tag is taken when it is there again.
func TestTagGone(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.release("1.1.0", "v1.1.0")
	f.policy("tag", ">=1.0.0", []string{"one"}, suspended)
	eventually(t, "Flux finds three tags", func() error { return f.scanned(3) })
	must(t, env.Registry.DeleteTag(t.Context(), f.chart, "1.1.0"))
	f.scan()
	eventually(t, "Flux finds one with a v", func() error { return f.scanned(2) })
	eventually(t, "the version is seen all the same", func() error { return f.candidate("tag", "v1.1.0") })

	f.suspend("tag", false)
	eventually(t, "it is said", func() error { return f.target("tag", "one", withFinding(v1alpha1.TagMissingReason)) })
	eventually(t, "the repository is at rest", f.atRest)
	must(t, f.inGit("one", "1.0.0"))
	if commits := f.upgrades(); len(commits) > 0 {
		t.Fatalf("%d upgrades to a tag that is gone", len(commits))
	}
	f.release("1.1.0")
	f.scan()
	eventually(t, "it is taken when it is there again", func() error { return f.deployed("one", "1.1.0") })
	eventually(t, "the finding is gone", func() error { return f.target("tag", "one", settled) })
	if commits := f.upgrades(); len(commits) != 1 {
		t.Errorf("%d commits for one upgrade", len(commits))
	}
}

// A version that was seen and is deleted before it may be taken is never taken; the next one is.
func TestTagGoneWhileHeld(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.release("1.1.0")
	f.policy("held", ">=1.0.0", []string{"one"}, suspended)
	eventually(t, "the version is seen", func() error { return f.available("held", "1.1.0") })
	must(t, env.Registry.DeleteTag(t.Context(), f.chart, "1.1.0"))
	f.scan()
	eventually(t, "it is seen no more", func() error { return f.available("held", "1.0.0") })
	f.suspend("held", false)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.release("1.2.0")
	f.scan()
	eventually(t, "the next one is taken", func() error { return f.deployed("one", "1.2.0") })
	eventually(t, "the repository is at rest", f.atRest)
	if commits := f.upgrades(); len(commits) != 1 {
		t.Errorf("%d upgrades, want the one to 1.2.0", len(commits))
	}
}

// scanned complains unless Flux has found as many tags.
func (f *fleet) scanned(tags int) error {
	var list imagev1.ImageRepositoryList
	if err := env.Client.List(f.Context(), &list, client.InNamespace(f.namespace)); err != nil {
		return err
	}
	for _, scan := range list.Items {
		if result := scan.Status.LastScanResult; result != nil && result.TagCount == tags {
			return nil
		}
	}
	return fmt.Errorf("no ImageRepository of %d has %d tags", len(list.Items), tags)
}

// candidate complains unless Flux shows a tag as the newest in a policy's range.
func (f *fleet) candidate(policy, tag string) error {
	candidate := &imagev1.ImagePolicy{}
	if err := env.Client.Get(f.Context(), client.ObjectKey{Namespace: f.namespace, Name: pin.CandidateName(policy)}, candidate); err != nil {
		return err
	}
	if ref := candidate.Status.LatestRef; ref == nil || ref.Tag != tag {
		return fmt.Errorf("Flux shows %+v, want tag %s", ref, tag)
	}
	return nil
}

// available complains unless a version is the newest that a policy knows of.
func (f *fleet) available(policy, version string) error {
	if got := f.get(policy).Status.Available; got != version {
		return fmt.Errorf("available is %q, want %q", got, version)
	}
	return nil
}
