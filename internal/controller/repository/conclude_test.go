package repository

import (
	"errors"
	"strings"
	"testing"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// A branch whose newest commit can be read, but not those before it, is asked for less and less often.
func TestConcludeBacksOff(t *testing.T) {
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop()) })
	apps := map[string]string{"apps.yaml": "apps: 1\n", "large.txt": strings.Repeat("large ", 1<<18)}
	branch, err := server.Create(t.Context(), "apps", apps)
	must(t, err)
	base, err := branch.Head(t.Context(), gitserver.DefaultBranch)
	must(t, err)
	_, err = branch.Commit(t.Context(), gitserver.Change{Message: "Remove the large file", Remove: []string{"large.txt"}})
	must(t, err)

	repository := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: "org", Name: "apps"}}
	repository.Spec.URL = branch.URL()
	repository.Spec.Reference = &sourcev1.GitRepositoryRef{Branch: gitserver.DefaultBranch}
	named := pin.NamespacedName{Namespace: "org", Name: "apps"}
	p := batch.Pin{Key: batch.Key{Namespace: "org", Name: "one"}, Batch: "b1", Automation: batch.Key{Namespace: "org", Name: "apps"}}
	p.Intent.Source.Repository = named
	automation := &automationv1.ImageUpdateAutomation{}
	must(t, annotate(automation, "", batch.AutomationMemory{Batch: "b1", Base: base}))
	s := &scope{
		key:         "key",
		pins:        map[batch.Key]*imagev1.ImagePolicy{p.Key: {}},
		Observation: batch.Observation{Pins: []batch.Pin{p}},
		sources:     map[sourceKey]source{{namespace: "org", Source: p.Intent.Source}: {repository: repository, branch: gitserver.DefaultBranch}},
		automations: map[batch.Key]*automationv1.ImageUpdateAutomation{p.Automation: automation},
	}

	now := noon
	scheme := runtime.NewScheme()
	must(t, sourcev1.AddToScheme(scheme))
	must(t, kustomizev1.AddToScheme(scheme))
	r := &Reconciler{Client: fake.NewClientBuilder().WithScheme(scheme).Build(), Git: gitops.New(gitops.Options{Dir: t.TempDir(), MaxObjectBytes: 1 << 20}), Options: Options{Now: func() time.Time { return now }}}
	var pauses []time.Duration
	for range 3 {
		if err := r.conclude(t.Context(), s, batch.Conclude{ID: "b1", Automation: p.Automation}); !errors.Is(err, errStale) {
			t.Fatal(err)
		}
		at := r.retries.times("key")[named]
		pauses = append(pauses, at.Sub(now))
		now = at
	}
	if diff := cmp.Diff([]time.Duration{15 * time.Second, 30 * time.Second, time.Minute}, pauses); diff != "" {
		t.Error("The pauses after each failure (-want +got):\n" + diff)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
