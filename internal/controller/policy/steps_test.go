package policy

import (
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/rollout"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

const (
	noneFits = "unable to determine latest version from provided list"
	noTags   = "version list argument cannot be empty"
)

// scopeWithStep is one whose search from 1.4 asked about 1.5 and was answered by a tag.
func scopeWithStep(t *testing.T, tag string) (scope, *imagev1.ImagePolicy) {
	t.Helper()
	s := scopeWithCandidate(t, "1.9.0")
	search := versions.Search{Step: v1alpha1.StepMinor, From: "1.5", Below: "1.6"}
	step, err := s.wantedStep(s.scanName(), rollout.StepQuery{Of: "1.4", Search: search}, s.ledger)
	must(t, err)
	step.Generation, step.Status.ObservedGeneration = 1, 1
	step.Status.SetLastHandledReconcileRequest(step.Annotations[meta.ReconcileRequestAnnotation])
	step.Status.LatestRef = &imagev1.ImageRef{Tag: tag}
	step.Status.Conditions = conditions(metav1.ConditionTrue)
	s.steps = map[string]*imagev1.ImagePolicy{"1.4": step}
	return s, step
}

func failed(step *imagev1.ImagePolicy, message string) {
	step.Status.Conditions = conditions(metav1.ConditionFalse)
	step.Status.Conditions[0].Message = message
}

func TestStepAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*scope, *imagev1.ImagePolicy)
		// tag that was found; "none": there is none; empty: no answer.
		want string
	}{
		"found":                    {func(*scope, *imagev1.ImagePolicy) {}, "1.5.3"},
		"none":                     {func(_ *scope, p *imagev1.ImagePolicy) { failed(p, noneFits) }, "none"},
		"none since long":          {func(_ *scope, p *imagev1.ImagePolicy) { failed(p, noneFits); p.Generation = 7 }, "none"},
		"no tag passes the filter": {func(_ *scope, p *imagev1.ImagePolicy) { failed(p, noTags) }, "none"},
		"another failure":          {func(_ *scope, p *imagev1.ImagePolicy) { failed(p, "referenced ImageRepository does not exist") }, ""},
		"finalizer only":           {func(_ *scope, p *imagev1.ImagePolicy) { p.Status.Conditions = nil }, ""},
		"no tag":                   {func(_ *scope, p *imagev1.ImagePolicy) { p.Status.LatestRef = nil }, ""},
		"tag of another span":      {func(_ *scope, p *imagev1.ImagePolicy) { p.Status.LatestRef.Tag = "1.6.0" }, ""},
		"excluded tag":             {func(_ *scope, p *imagev1.ImagePolicy) { p.Status.LatestRef.Tag = "1.4.3" }, ""},
		"no version":               {func(_ *scope, p *imagev1.ImagePolicy) { p.Status.LatestRef.Tag = "latest" }, ""},
		"token not handled":        {func(_ *scope, p *imagev1.ImagePolicy) { p.Status.SetLastHandledReconcileRequest("before") }, ""},
		"somebody else's token":    {func(_ *scope, p *imagev1.ImagePolicy) { p.Annotations[meta.ReconcileRequestAnnotation] = "now" }, ""},
		"suspended":                {func(_ *scope, p *imagev1.ImagePolicy) { p.Spec.Suspend = true }, ""},
		"tag blocked meanwhile": {func(s *scope, _ *imagev1.ImagePolicy) {
			s.ledger.Blocked = []pin.Blocked{{Tag: "1.5.3"}}
		}, ""},
		"blocked elsewhere": {func(s *scope, _ *imagev1.ImagePolicy) { s.ledger.Blocked = []pin.Blocked{{Tag: "1.8.0"}} }, "1.5.3"},
		"chart not scanned": {func(s *scope, _ *imagev1.ImagePolicy) { s.scan.Status.LastScanResult = nil }, ""},
		"chart changed":     {func(_ *scope, p *imagev1.ImagePolicy) { p.Spec.ImageRepositoryRef.Name = "old" }, ""},
		"none, token is older": {func(_ *scope, p *imagev1.ImagePolicy) {
			failed(p, noneFits)
			p.Status.SetLastHandledReconcileRequest("old")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, step := scopeWithStep(t, "1.5.3")
			test.edit(&s, step)
			want := rollout.StepAnswer{Of: "1.4", Search: versions.Search{Step: v1alpha1.StepMinor, From: "1.5", Below: "1.6"}}
			want.Answered = test.want != ""
			if test.want != "none" {
				want.Tag = test.want
			}
			if diff := cmp.Diff([]rollout.StepAnswer{want}, s.stepAnswers()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A search that cannot be read begins anew, and so does one that was made for other versions than the user admits now.
func TestSearchesThatBeginAnew(t *testing.T) {
	for name, edit := range map[string]func(*scope, *imagev1.ImagePolicy){
		"garbled":         func(_ *scope, p *imagev1.ImagePolicy) { p.Annotations[fluxobjects.SearchAnnotation] = "somewhere" },
		"range changed":   func(s *scope, _ *imagev1.ImagePolicy) { s.policy.Spec.Versions.Range = ">=1.2.0" },
		"exclude changed": func(s *scope, _ *imagev1.ImagePolicy) { s.policy.Spec.Versions.Exclude = nil },
		"filter changed": func(s *scope, _ *imagev1.ImagePolicy) {
			s.policy.Spec.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "^1"}
		},
		"steps changed": func(s *scope, _ *imagev1.ImagePolicy) { s.policy.Spec.Versions.NeverSkip = v1alpha1.StepMajor },
	} {
		s, step := scopeWithStep(t, "1.5.3")
		edit(&s, step)
		if answers := s.stepAnswers(); len(answers) != 0 {
			t.Errorf("%s: got %+v", name, answers)
		}
	}
}

func TestBlockedVersions(t *testing.T) {
	policy := testPolicy()
	policy.Spec.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "^build-(.*)$", Extract: "$1"}
	ledger := pin.Ledger{Blocked: []pin.Blocked{{Tag: "build-1.5.0"}, {Tag: "build-1.10.0"}, {Tag: "1.2.0"}, {Tag: "build-1.9.0"}, {Tag: "garbled"}}}
	want := []string{"1.10.0", "1.9.0", "1.5.0", "1.2.0"}
	got := blockedVersions(policy, ledger)
	if diff := cmp.Diff(want, versionsOf(got)); diff != "" {
		t.Error(diff)
	}
	if len(got) != len(ledger.Blocked) {
		t.Errorf("got %v", got)
	}
}

func versionsOf(texts []string) []string {
	var found []string
	for _, text := range texts {
		if _, err := versions.Parse(text); err == nil {
			found = append(found, text)
		}
	}
	return found
}
