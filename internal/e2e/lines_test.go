package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// sharedFile is applied once for each cluster, so that one line has the version of several Apps.
const sharedFile = "shared/hello.yaml"

// newSharedFleet makes a fleet whose Apps dev-hello and prod-hello are one manifest, applied by two Kustomizations.
func newSharedFleet(t *testing.T) *fleet {
	t.Helper()
	f := newFleet(t, map[string]string{"alone": "1.0.0"})
	f.edit("An App for every cluster", map[string]string{sharedFile: f.manifest("${cluster}-hello", "1.0.0")})
	for _, cluster := range []string{"dev", "prod"} {
		kustomization := &kustomizev1.Kustomization{
			ObjectMeta: metav1.ObjectMeta{Name: cluster, Namespace: f.namespace},
			Spec: kustomizev1.KustomizationSpec{
				SourceRef:     kustomizev1.CrossNamespaceSourceReference{Kind: sourcev1.GitRepositoryKind, Name: "gitops"},
				Path:          "./shared",
				Interval:      metav1.Duration{Duration: time.Minute},
				RetryInterval: &metav1.Duration{Duration: 2 * time.Second},
				Prune:         true,
				PostBuild:     &kustomizev1.PostBuild{Substitute: map[string]string{"cluster": cluster}},
			},
		}
		must(t, env.Client.Create(t.Context(), kustomization))
		t.Cleanup(func() { _ = env.Client.Delete(cleanupContext(t), kustomization) })
	}
	eventually(t, "both Apps are installed", func() error { return f.bothDeployed("1.0.0") })
	return f
}

func (f *fleet) bothDeployed(version string) error {
	if err := f.deployed("dev-hello", version); err != nil {
		return err
	}
	return f.deployed("prod-hello", version)
}

func sharing(p *v1alpha1.AppUpgradePolicy) { p.Spec.Git = &v1alpha1.Git{AllowShared: true} }

// One App of a line is a target and the other is not: nothing is marked, and the finding names the other one, until the policy
// allows to move both.
func TestLineSharedWithNoTarget(t *testing.T) {
	f := newSharedFleet(t)
	before := f.content(sharedFile)
	startOperator(t, environment.OperatorOptions{})
	f.policy("prod", ">=1.0.0", []string{"prod-hello", "alone"})
	eventually(t, "the finding names the other App", func() error {
		return f.target("prod", "prod-hello", func(target v1alpha1.TargetStatus) error {
			if err := withFinding(v1alpha1.LineSharedReason)(target); err != nil {
				return err
			}
			if other := "App " + f.namespace + "/dev-hello"; !strings.Contains(target.Finding.Message, other) {
				return fmt.Errorf("the message does not name %s: %s", other, target.Finding.Message)
			}
			return nil
		})
	})
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App that has a line of its own is upgraded", func() error { return f.upgraded("1.1.0", "alone") })
	if after := f.content(sharedFile); after != before {
		t.Fatalf("the shared file was\n%s\nand is\n%s", before, after)
	}

	must(t, env.Client.Patch(t.Context(), f.get("prod"), mergePatch(`{"spec":{"git":{"allowShared":true}}}`)))
	eventually(t, "both Apps of the line are upgraded", func() error { return f.bothDeployed("1.1.0") })
	eventually(t, "the finding is gone and all is at rest", func() error {
		if err := f.target("prod", "prod-hello", settled); err != nil {
			return err
		}
		return f.atRest()
	})
	f.onlyMarkersAndUpgrades()
}

// A tenant allows shared lines, and writes with the platform's credentials. What another cluster has on the line, too, moves only
// once the platform lets the tenant's word be enough.
func TestSharedLineAsGranted(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	f.edit("Another cluster has the same Apps", map[string]string{
		"other/kustomization.yaml": "resources: [apps.yaml]\n", "other/apps.yaml": strings.Replace(f.tenant(setInline), "path: ./tenant", "path: ./apps", 1),
	})
	before := f.file("one")
	platform := f.platform()
	startOperator(t, environment.OperatorOptions{})
	f.policy("tenant", ">=1.0.0", []string{"one"}, sharing, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Git.SourceRef = &v1alpha1.SourceReference{Name: platform.Name, Namespace: platform.Namespace}
	})
	eventually(t, "it is told with whom it shares the line, and what to grant", func() error {
		return f.target("tenant", "one", func(s v1alpha1.TargetStatus) error {
			for _, words := range []string{"Kustomization " + f.namespace + "/tenant", v1alpha1.AllowSharedAnnotation + "=" + f.namespace} {
				if s.Finding == nil || !strings.Contains(s.Finding.Message, words) {
					return fmt.Errorf("the finding is %+v, which lacks %s", s.Finding, words)
				}
			}
			return withFinding(v1alpha1.LineSharedReason)(s)
		})
	})
	if after := f.file("one"); after != before {
		t.Fatalf("the file was\n%s\nand is\n%s", before, after)
	}
	annotate(t, platform, v1alpha1.AllowSharedAnnotation, f.namespace)
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	eventually(t, "its finding is gone", func() error { return f.target("tenant", "one", inState(v1alpha1.TargetCurrent)) })
}

// The policy names the file of the App, but a patch above it sets the version: that file is left alone, and the finding names the
// patch, which is marked once the policy lets it be.
func TestPathBelowPatch(t *testing.T) {
	const patch = "apps/version.yaml"
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	before := f.file("one")
	f.edit("A patch", map[string]string{
		"apps/kustomization.yaml": "resources: [one.yaml]\npatches:\n- path: version.yaml\n", patch: before,
	})
	startOperator(t, environment.OperatorOptions{})
	f.policy("path", ">=1.0.0", []string{"one"}, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Git = &v1alpha1.Git{SourceRef: &v1alpha1.SourceReference{Name: "gitops"}, Path: path("one")}
	})
	eventually(t, "the patch is named", func() error {
		return f.target("path", "one", func(s v1alpha1.TargetStatus) error {
			if s.Finding == nil || s.Finding.Reason != markers.NotFound || !strings.Contains(s.Finding.Message, patch) {
				return fmt.Errorf("the finding is %+v", s.Finding)
			}
			return nil
		})
	})
	if n := len(f.log()); n != 2 {
		t.Errorf("%d commits, want two of a human", n)
	}

	must(t, env.Client.Patch(t.Context(), f.get("path"), mergePatch(`{"spec":{"git":{"path":"apps"}}}`)))
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App is upgraded in the patch", func() error { return f.deployed("one", "1.1.0") })
	if after := f.file("one"); after != before {
		t.Errorf("the file was\n%s\nand is\n%s", before, after)
	}
}

// A copy of an App lies beside it, which Flux cannot apply either: the finding says so, and ends when the GitRepository hides the
// copy, although there is no commit.
func TestIgnoredCopy(t *testing.T) {
	const copied = "apps/example.yaml"
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	f.edit("An example", map[string]string{copied: f.manifest("one", "0.9.0")})
	startOperator(t, environment.OperatorOptions{})
	f.policy("copied", ">=1.0.0", []string{"one"})
	eventually(t, "there are two of the App", func() error { return f.target("copied", "one", withFinding(markers.Ambiguous)) })

	source := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "gitops"}}
	must(t, env.Client.Patch(t.Context(), source, mergePatch(`{"spec":{"ignore":"/%s"}}`, copied)))
	f.release("1.1.0")
	f.scan()
	eventually(t, "the App is upgraded", func() error { return f.deployed("one", "1.1.0") })
	if got, want := f.content(copied), f.manifest("one", "0.9.0"); got != want {
		t.Errorf("the copy is\n%s\nwant\n%s", got, want)
	}
}

// The Apps of two policies have their version on one line: both policies say so and nothing is marked, although both would
// move what others share, until one of them goes.
func TestLineSharedByTwoPolicies(t *testing.T) {
	f := newSharedFleet(t)
	before := f.content(sharedFile)
	startOperator(t, environment.OperatorOptions{})
	dev := f.policy("dev", ">=1.0.0", []string{"dev-hello"}, suspended, sharing)
	f.policy("prod", ">=1.0.0", []string{"prod-hello"}, suspended, sharing)
	f.suspend("dev", false)
	f.suspend("prod", false)
	for _, name := range []string{"dev", "prod"} {
		eventually(t, name+" says that the line is shared", func() error {
			return f.target(name, name+"-hello", withFinding(v1alpha1.LineSharedReason))
		})
	}
	f.release("1.1.0")
	f.scan()
	eventually(t, "the version is seen", func() error { return f.available("prod", "1.1.0") })
	eventually(t, "the repository is at rest", f.atRest)
	if after := f.content(sharedFile); after != before {
		t.Fatalf("the shared file was\n%s\nand is\n%s", before, after)
	}

	must(t, env.Client.Delete(t.Context(), dev))
	eventually(t, "the policy is gone", func() error { return gone(t, dev) })
	eventually(t, "the other one moves the line", func() error { return f.bothDeployed("1.1.0") })
	eventually(t, "its finding is gone", func() error { return f.target("prod", "prod-hello", inState(v1alpha1.TargetDeployed)) })
}

// Apps of one policy that have their version on one line have one marker and move together.
func TestLineSharedInOnePolicy(t *testing.T) {
	f := newSharedFleet(t)
	startOperator(t, environment.OperatorOptions{})
	f.policy("both", ">=1.0.0", []string{"dev-hello", "prod-hello"})
	eventually(t, "the line is marked", func() error {
		if n := strings.Count(f.content(sharedFile), "$imagepolicy"); n != 1 {
			return fmt.Errorf("the shared file has %d markers", n)
		}
		return f.atRest()
	})
	f.release("1.1.0")
	f.scan()
	eventually(t, "both Apps run the version, and all is at rest", func() error {
		for _, app := range []string{"dev-hello", "prod-hello"} {
			if err := f.target("both", app, inState(v1alpha1.TargetDeployed)); err != nil {
				return err
			}
		}
		if err := f.bothDeployed("1.1.0"); err != nil {
			return err
		}
		return f.atRest()
	})
	if commits := f.upgrades(); len(commits) != 1 {
		t.Errorf("%d commits for one line", len(commits))
	}
	f.onlyMarkersAndUpgrades()
}

// The GitRepository is set to another branch, where the version is an older one: no human reverted anything. The new branch
// gets the marker and the upgrade, the old one is left as it is.
func TestBranchChanges(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	_, err := f.repo.Commit(t.Context(), gitserver.Change{Branch: "next", Message: "Another branch", Files: map[string]string{"NEXT.md": "# Next\n"}})
	must(t, err)
	f.release("1.1.0")
	startOperator(t, environment.OperatorOptions{})
	f.policy("branch", ">=1.0.0", []string{"one"})
	eventually(t, "the App is upgraded on the old branch", func() error { return f.deployed("one", "1.1.0") })
	eventually(t, "the repository is at rest", f.atRest)
	old := f.log()[0].Hash

	f.branch = "next"
	source := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "gitops"}}
	must(t, env.Client.Patch(t.Context(), source, mergePatch(`{"spec":{"ref":{"branch":"next"}}}`)))
	eventually(t, "the new branch is marked and upgraded", func() error {
		if err := f.marked("one"); err != nil {
			return err
		}
		return f.inGit("one", "1.1.0")
	})
	eventually(t, "it is deployed and all is at rest", func() error {
		if err := f.target("branch", "one", settled); err != nil {
			return err
		}
		if err := f.applied(f.log()[0].Hash); err != nil {
			return err
		}
		return f.atRest()
	})
	must(t, f.deployed("one", "1.1.0"))
	f.onlyMarkersAndUpgrades()
	f.branch = gitserver.DefaultBranch
	if head := f.log()[0]; head.Hash != old {
		t.Errorf("the old branch got another commit: %s", head.Message)
	}
}
