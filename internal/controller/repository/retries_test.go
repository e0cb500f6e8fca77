package repository

import (
	"context"
	"errors"
	"testing"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
	"github.com/giantswarm/app-upgrade-operator/internal/batch"
	"github.com/giantswarm/app-upgrade-operator/internal/gitops"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// armable is a Reconciler whose one pin, `one`, is prepared in batch b1 of a branch, and the Git server's repository of that branch.
// It reads objects that are at most 1 MiB large.
func armable(t *testing.T, files map[string]string, now func() time.Time) (*Reconciler, *scope, *gitserver.Repository) {
	server, err := gitserver.Start(gitserver.Options{Dir: t.TempDir()})
	must(t, err)
	t.Cleanup(func() { must(t, server.Stop()) })
	branch, err := server.Create(t.Context(), "apps", files)
	must(t, err)
	base, err := branch.Head(t.Context(), gitserver.DefaultBranch)
	must(t, err)

	repository := &sourcev1.GitRepository{ObjectMeta: metav1.ObjectMeta{Namespace: apps.Namespace, Name: apps.Name}}
	repository.Spec.URL = branch.URL()
	repository.Spec.Reference = &sourcev1.GitRepositoryRef{Branch: gitserver.DefaultBranch}
	p := batch.Pin{Key: batch.Key{Namespace: "org", Name: "one"}, Batch: "b1", Automation: batch.Key{Namespace: "org", Name: "apps"}}
	p.Intent.Source.Repository = apps
	automation := &automationv1.ImageUpdateAutomation{}
	must(t, annotate(automation, "", batch.AutomationMemory{Batch: "b1", Base: base}))
	s := &scope{
		key:         "key",
		pins:        map[batch.Key]*imagev1.ImagePolicy{p.Key: {}},
		Observation: batch.Observation{Pins: []batch.Pin{p}},
		sources:     map[sourceKey]source{{namespace: "org", Source: p.Intent.Source}: {repository: repository, branch: gitserver.DefaultBranch}},
		automations: map[batch.Key]*automationv1.ImageUpdateAutomation{p.Automation: automation},
		scans:       map[client.ObjectKey]*imagev1.ImageRepository{},
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{sourcev1.AddToScheme, kustomizev1.AddToScheme, imagev1.AddToScheme, automationv1.AddToScheme} {
		must(t, add(scheme))
	}
	objects := fake.NewClientBuilder().WithScheme(scheme).Build()
	git := gitops.New(gitops.Options{Dir: t.TempDir(), MaxObjectBytes: 1 << 20})
	return &Reconciler{Client: objects, Live: objects, Git: git, Options: Options{Now: now}}, s, branch
}

// apps is the GitRepository that armable pins use.
var apps = pin.NamespacedName{Namespace: "org", Name: "apps"}

// What failed is forgotten by the first thing that works, so that the next failure is tried again as soon as the first one was.
func TestWhatWorksEndsBackingOff(t *testing.T) {
	arm := func(ctx context.Context, r *Reconciler, s *scope) error {
		return r.arm(ctx, s, batch.Arm{ID: "b1", Automation: s.Pins[0].Automation, Pins: []batch.Key{s.Pins[0].Key}})
	}
	conclude := func(ctx context.Context, r *Reconciler, s *scope) error {
		return r.conclude(ctx, s, batch.Conclude{ID: "b1", Automation: s.Pins[0].Automation})
	}
	visit := func(ctx context.Context, r *Reconciler, s *scope) error {
		return r.visit(ctx, s, batch.Visit{Repository: apps})
	}
	for name, does := range map[string]func(context.Context, *Reconciler, *scope) error{"arm": arm, "conclude": conclude, "visit": visit} {
		t.Run(name, func(t *testing.T) {
			r, s, branch := armable(t, map[string]string{"apps.yaml": "apps: 1\n"}, func() time.Time { return noon })
			branch.Disconnect(true)
			if err := does(t.Context(), r, s); err != nil && !errors.Is(err, errStale) {
				t.Fatal(err)
			}
			if at := r.retries.times("key")[apps]; !at.Equal(noon.Add(15 * time.Second)) {
				t.Errorf("without Git it is tried again at %s", at)
			}
			branch.Disconnect(false)
			if err := does(t.Context(), r, s); err != nil && !errors.Is(err, errStale) {
				t.Fatal(err)
			}
			if times := r.retries.times("key"); len(times) > 0 {
				t.Errorf("with Git again it is still remembered: %v", times)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestEarlyFailuresAreOne: who did not know yet that something failed tries it again, and that makes nobody wait longer.
func TestEarlyFailuresAreOne(t *testing.T) {
	var r retries[string]
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tc := range []struct{ at, want time.Duration }{
		{0, 15 * time.Second}, {time.Second, 15 * time.Second}, {14 * time.Second, 15 * time.Second},
		{15 * time.Second, 45 * time.Second}, {20 * time.Second, 45 * time.Second}, {time.Minute, 2 * time.Minute},
	} {
		at, count := r.backOff("key", "what", now.Add(tc.at))
		count()
		if got := at.Sub(now); got != tc.want || !r.times("key")["what"].Equal(at) {
			t.Errorf("a failure after %s is tried again after %s, want %s", tc.at, got, tc.want)
		}
	}
}

// TestPinsRememberWhenItIsTriedAgain: the time that a pin remembers is the time, not a moment before it. Asked early, nothing would be
// written, and nothing would ask again.
func TestPinsRememberWhenItIsTriedAgain(t *testing.T) {
	var r retries[string]
	at, _ := r.backOff("key", "what", noon.Add(700*time.Millisecond))
	remembered, err := time.Parse(time.RFC3339, failing(pin.Memory{}, nil, at).RetryAt)
	if err != nil || !remembered.Equal(at) {
		t.Errorf("a pin remembers %s (%v), but it is tried again at %s", remembered, err, at)
	}
}
