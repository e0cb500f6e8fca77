package e2e

import (
	"context"
	"os/exec"
	"strings"
	"testing"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

// One policy has every App that cannot be managed, each for another reason: each is told its own, nothing is written for
// it, and the App that can be managed is upgraded.
func TestBadInputStopsNobodyElse(t *testing.T) {
	f := newFleet(t, map[string]string{"good": "1.0.0"})
	f.badApps()
	unreadable := f.brokenSources()
	reasons := map[string]string{
		"no-catalog":     v1alpha1.CatalogMissingReason,
		"http-catalog":   v1alpha1.CatalogNotOCIReason,
		"build-metadata": v1alpha1.VersionUnsupportedReason,
		"unproven":       v1alpha1.KustomizationUnprovenReason,
		"tag":            v1alpha1.SourceUnsupportedReason,
		"password":       v1alpha1.GitUnreadableReason,
		"away":           v1alpha1.GitUnreadableReason,
	}
	startOperator(t, environment.OperatorOptions{})
	f.policy("mixed", ">=1.0.0", nil, func(p *v1alpha1.AppUpgradePolicy) {
		p.Spec.Targets = []v1alpha1.TargetReference{{Selector: everything}}
	})
	for app, reason := range reasons {
		eventually(t, app+" has its finding", func() error {
			return f.target("mixed", app, func(target v1alpha1.TargetStatus) error {
				if err := withFinding(reason)(target); err != nil {
					return err
				}
				return noSecret(target.Finding.Message)
			})
		})
	}
	f.release("1.1.0")
	f.scan()
	eventually(t, "the good one is upgraded", func() error { return f.upgraded("1.1.0", "good") })
	if n := len(f.upgrades()); n != 1 {
		t.Errorf("%d commits for one upgrade", n)
	}
	f.onlyMarkersAndUpgrades()
	for name, repo := range unreadable {
		if log, err := repo.Log(t.Context(), gitserver.DefaultBranch); err != nil || len(log) != 1 {
			t.Errorf("repository %s has %d commits, want the first only (error %v)", name, len(log), err)
		}
	}

	unreadable["away"].Disconnect(false)
	eventually(t, "the repository that is back is served", func() error { return f.deployed("away", "1.1.0") })
}

// badApps adds the Apps with which something is wrong in themselves.
func (f *fleet) badApps() {
	f.Helper()
	f.httpCatalog("http-only")
	apps := map[string]string{}
	for app, change := range map[string][2]string{
		"no-catalog":     {"catalog: " + f.namespace, "catalog: nowhere"},
		"http-catalog":   {"catalog: " + f.namespace, "catalog: http-only-" + f.namespace},
		"build-metadata": {"version: 1.0.0", "version: 1.0.0+build"},
	} {
		apps[path(app)] = strings.Replace(f.manifest(app, "1.0.0"), change[0], change[1], 1)
	}
	f.edit("Apps that are not right", apps)
	unproven := &appv1alpha1.App{
		ObjectMeta: metav1.ObjectMeta{Name: "unproven", Namespace: f.namespace, Labels: map[string]string{
			resolve.KustomizationNameLabel: "gitops", resolve.KustomizationNamespaceLabel: f.namespace,
		}},
		Spec: appv1alpha1.AppSpec{
			Catalog: f.namespace, Name: f.chart, Namespace: f.namespace, Version: "1.0.0", KubeConfig: appv1alpha1.KubeConfig{InCluster: true},
		},
	}
	must(f.T, env.Client.Create(f.Context(), unproven))
	eventually(f.T, "Flux has applied the Apps", func() error { return f.applied(f.log()[0].Hash) })
}

// httpCatalog creates a Catalog that has charts only where Flux cannot find them.
func (f *fleet) httpCatalog(name string) {
	f.Helper()
	web := appv1alpha1.Repository{Type: "helm", URL: "https://charts.invalid/" + name + "/"}
	catalog := &appv1alpha1.Catalog{
		ObjectMeta: metav1.ObjectMeta{Name: name + "-" + f.namespace, Namespace: "default"},
		Spec:       appv1alpha1.CatalogSpec{Title: name, Description: name, Storage: web, Repositories: []appv1alpha1.Repository{web}},
	}
	must(f.T, env.Client.Create(f.Context(), catalog))
}

// brokenSources makes repositories with one App each, which Flux applies, and then breaks each in another way.
func (f *fleet) brokenSources() map[string]*gitserver.Repository {
	f.Helper()
	repos := map[string]*gitserver.Repository{}
	for _, name := range []string{"tag", "password", "away"} {
		repo, err := env.Git.Create(f.Context(), f.namespace+"-"+name, map[string]string{path(name): f.manifest(name, "1.0.0")})
		must(f.T, err)
		f.sync(name, repo)
		repos[name] = repo
	}
	for name := range repos {
		eventually(f.T, name+" is installed", func() error { return f.deployed(name, "1.0.0") })
	}
	must(f.T, tag(f.Context(), repos["tag"], "v1"))
	source := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "tag"}}
	must(f.T, env.Client.Patch(f.Context(), source, mergePatch(`{"spec":{"ref":{"branch":null,"tag":"v1"}}}`)))
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: f.namespace, Name: "password"}}
	must(f.T, env.Client.Patch(f.Context(), secret, mergePatch(`{"stringData":{"username":%q,"password":"wrong"}}`, upgrader.Name)))
	repos["away"].Disconnect(true)
	f.Cleanup(func() { repos["away"].Disconnect(false) })
	return repos
}

// tag makes a tag at the head of the branch.
func tag(ctx context.Context, repo *gitserver.Repository, name string) error {
	return exec.CommandContext(ctx, "git", "-C", repo.Dir(), "tag", name, gitserver.DefaultBranch).Run()
}
