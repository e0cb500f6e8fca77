package demo

import (
	"testing"

	"github.com/Masterminds/semver/v3"
	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	fluxmeta "github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	appv1alpha1 "github.com/giantswarm/app-upgrade-operator/internal/application/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

func app(version, installed, release string) client.Object {
	a := &appv1alpha1.App{ObjectMeta: metav1.ObjectMeta{Name: "ingress"}, Spec: appv1alpha1.AppSpec{Version: version}}
	if installed != "" {
		a.Status = &appv1alpha1.AppStatus{Version: installed, Release: appv1alpha1.Release{Status: release}}
	}
	return a
}

func scan(chart string, tags ...string) client.Object {
	r := &imagev1.ImageRepository{Spec: imagev1.ImageRepositorySpec{Image: "localhost:1/charts/giantswarm/" + chart}}
	if len(tags) > 0 {
		r.Status.LastScanResult = &imagev1.ScanResult{LatestTags: tags}
	}
	return r
}

func candidate(tag string) client.Object {
	return &imagev1.ImagePolicy{
		ObjectMeta: metav1.ObjectMeta{Name: "v1.candidate", Labels: map[string]string{pin.RoleLabel: pin.RoleCandidate, pin.PolicyLabel: "v1"}},
		Status:     imagev1.ImagePolicyStatus{LatestRef: &imagev1.ImageRef{Tag: tag}},
	}
}

func pinned(batch string) client.Object { return moved(batch, "1.4.0", "1.5.2") }

func moved(batch, from, wanted string) client.Object {
	p := &imagev1.ImagePolicy{ObjectMeta: metav1.ObjectMeta{
		Name: pin.Name("App", "ingress"), Labels: map[string]string{pin.RoleLabel: pin.RolePin},
		Annotations: map[string]string{pin.MemoryAnnotation: pin.Memory{From: from, Wanted: wanted}.Encode()},
	}}
	if batch != "" {
		p.Labels[pin.BatchLabel] = batch
	}
	return p
}

func automation(batch, requested, handled string) client.Object {
	a := &automationv1.ImageUpdateAutomation{
		ObjectMeta: metav1.ObjectMeta{Name: "gitops-1", Annotations: map[string]string{fluxmeta.ReconcileRequestAnnotation: requested}},
		Spec:       automationv1.ImageUpdateAutomationSpec{PolicySelector: &metav1.LabelSelector{MatchLabels: map[string]string{pin.BatchLabel: batch}}},
	}
	a.Status.LastHandledReconcileAt = handled
	return a
}

func policy(state v1alpha1.TargetState, finding *v1alpha1.Finding, held ...v1alpha1.Held) client.Object {
	return &v1alpha1.AppUpgradePolicy{Status: v1alpha1.AppUpgradePolicyStatus{
		Targets: []v1alpha1.TargetStatus{{Name: "ingress", State: state, Finding: finding}}, Held: held,
	}}
}

var blocked = []v1alpha1.BlockedVersion{{Version: "1.1.0", Wave: "canary", Message: "it failed"}}

func ending(result string) v1alpha1.HistoryEntry {
	return v1alpha1.HistoryEntry{From: "1.0.0", To: "1.1.0", Wave: "canary", Result: result}
}

func staged(state v1alpha1.WaveState, blocked []v1alpha1.BlockedVersion, history ...v1alpha1.HistoryEntry) client.Object {
	return &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Name: "staged"}, Status: v1alpha1.AppUpgradePolicyStatus{
		Waves: []v1alpha1.WaveStatus{{Name: "canary", State: state, Version: "1.1.0"}}, Blocked: blocked, History: history,
	}}
}

// What is told of a sequence of changes; most changes are not worth telling.
func TestWorldTells(t *testing.T) {
	manual := v1alpha1.Held{Version: "1.5.2", Reason: "ManualHold", Message: "a human"}
	tests := map[string]struct {
		seen []client.Object
		want []string
	}{
		"an App is created, installed and upgraded": {
			seen: []client.Object{
				app("1.4.0", "", ""), app("1.4.0", "1.4.0", "deployed"), app("1.4.0", "1.4.0", "deployed"),
				app("1.5.2", "1.4.0", "deployed"), app("1.5.2", "1.5.2", "pending-upgrade"), app("1.5.2", "1.5.2", "deployed"),
			},
			want: []string{
				"App changed: ingress 1.4.0, created by Flux", "deployed: ingress 1.4.0",
				"App changed: ingress 1.4.0 → 1.5.2", "deployed: ingress 1.5.2",
			},
		},
		"tags are told once, the lowest first": {
			seen: []client.Object{
				scan("ingress"), scan("ingress", "1.4.0"), scan("ingress", "2.0.0", "1.6.0-rc.1", "1.4.0"), scan("ingress", "latest", "2.0.0"), scan("other", "1.0.0"),
			},
			want: []string{
				"tag seen: ingress 1.4.0, in >=1.0.0 <2.0.0", "tag seen: ingress 1.6.0-rc.1, a pre-release: never taken",
				"tag seen: ingress 2.0.0, not in >=1.0.0 <2.0.0: never taken", "tag seen: ingress latest, not a version",
				"tag seen: other 1.0.0, which no policy asks for",
			},
		},
		"tags of a chart of two policies": {
			seen: []client.Object{scan("shared", "2.0.0", "1.0.0", "0.9.0")},
			want: []string{
				"tag seen: shared 0.9.0, not in >=1.0.0 or >=1.0.0 <2.0.0: never taken",
				"tag seen: shared 1.0.0, in >=1.0.0 and >=1.0.0 <2.0.0", "tag seen: shared 2.0.0, in >=1.0.0",
			},
		},
		"a release fails, and is told once": {
			seen: []client.Object{app("1.4.0", "1.4.0", "failed"), app("1.4.0", "1.4.0", "failed"), app("1.3.0", "1.4.0", "failed")},
			want: []string{
				"App changed: ingress 1.4.0, created by Flux", "broken: ingress 1.4.0: its release is failed", "App changed: ingress 1.4.0 → 1.3.0",
			},
		},
		"a candidate": {
			seen: []client.Object{candidate("1.4.0"), candidate("1.4.0"), candidate("1.5.2")},
			want: []string{"candidate: 1.4.0 is the newest for v1", "candidate: 1.5.2 is the newest for v1"},
		},
		"a batch, the pin first": {
			seen: []client.Object{
				automation(pin.AtRest, "", ""), pinned(""), pinned("b1"), automation("b1", "b1", ""), pinned("b1"),
				automation("b1", "b1", "b1"), automation(pin.AtRest, "r1", "b1"), pinned(""), automation(pin.AtRest, "r1", "r1"),
			},
			want: []string{
				"pin armed: ingress 1.4.0 → 1.5.2, batch b1", "disarmed: batch b1: Flux is told to write nothing",
				"at rest: Flux has heard it: no line of the repository can be written",
			},
		},
		"a batch, the automation first": {
			seen: []client.Object{pinned(""), automation("b1", "b1", ""), pinned("b1"), pinned("b1")},
			want: []string{"pin armed: ingress 1.4.0 → 1.5.2, batch b1"},
		},
		"a batch that goes back": {
			seen: []client.Object{automation("b1", "b1", ""), moved("b1", "1.5.2", "1.4.0")},
			want: []string{"pin armed: ingress 1.5.2 → 1.4.0 (back), batch b1"},
		},
		"waves, blocked versions and ends are told once": {
			seen: []client.Object{
				staged(v1alpha1.WaveUpgrading, nil), staged(v1alpha1.WaveUpgrading, nil, ending("")),
				staged(v1alpha1.WaveFailed, blocked, ending(v1alpha1.ResultFailed)), staged(v1alpha1.WaveFailed, blocked, ending(v1alpha1.ResultFailed)),
			},
			want: []string{
				"wave: canary of staged: Upgrading 1.1.0", "wave: canary of staged: Failed 1.1.0",
				"ended: upgrade of wave canary from 1.0.0 to 1.1.0: Failed", "blocked: 1.1.0 for staged: it failed",
			},
		},
		"a hold and a finding": {
			seen: []client.Object{
				policy(v1alpha1.TargetDeployed, nil), policy(v1alpha1.TargetHeld, nil, manual), policy(v1alpha1.TargetHeld, nil, manual),
				policy(v1alpha1.TargetFailed, &v1alpha1.Finding{Reason: "TagMissing", Message: "gone"}),
			},
			want: []string{"held: ingress: 1.5.2 ManualHold: a human", "finding: ingress: TagMissing: gone"},
		},
		"a GitRepository": {seen: []client.Object{&sourcev1.GitRepository{}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(map[string][]*semver.Constraints{
				"ingress": {ranges["ingress"]}, "shared": {mustConstraint(">=1.0.0"), mustConstraint(">=1.0.0 <2.0.0")},
			})
			var got []string
			for _, object := range test.seen {
				for _, e := range w.see(object) {
					got = append(got, string(e.label)+": "+e.text)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWorldAtRest(t *testing.T) {
	tests := map[string]struct {
		seen []client.Object
		rest bool
	}{
		"nothing":                       {rest: true},
		"at rest":                       {seen: []client.Object{pinned(""), automation(pin.AtRest, "r1", "r1")}, rest: true},
		"armed":                         {seen: []client.Object{automation("b1", "b1", "b1")}},
		"disarmed, and Flux may still":  {seen: []client.Object{automation(pin.AtRest, "r1", "b1")}},
		"disarmed, a pin in a batch":    {seen: []client.Object{pinned("b1"), automation(pin.AtRest, "r1", "r1")}},
		"no selector is every selector": {seen: []client.Object{&automationv1.ImageUpdateAutomation{}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(nil)
			for _, object := range test.seen {
				w.see(object)
			}
			if err := w.atRest(); (err == nil) != test.rest {
				t.Errorf("complaint is %v", err)
			}
		})
	}
}
