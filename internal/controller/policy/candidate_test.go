package policy

import (
	"testing"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/fluxobjects"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/resolve"
)

func TestCandidateInput(t *testing.T) {
	const tag = "1.5.0"
	for name, test := range map[string]struct {
		edit func(*scope)
		// reason why there is no candidate; empty: there is one.
		reason string
	}{
		"found":                  {func(*scope) {}, ""},
		"no chart":               {func(s *scope) { s.chart = fluxobjects.Chart{} }, v1alpha1.NoCandidateReason},
		"no scan yet":            {func(s *scope) { s.scan = nil }, v1alpha1.ScanPendingReason},
		"scan without a result":  {func(s *scope) { s.scan.Status.LastScanResult = nil }, v1alpha1.ScanPendingReason},
		"first scan failed":      {func(s *scope) { s.scan.Status.LastScanResult = nil; failScan(s) }, v1alpha1.ScanFailedReason},
		"later scan failed":      {func(s *scope) { failScan(s) }, ""},
		"no candidate yet":       {func(s *scope) { s.candidate = nil }, v1alpha1.ScanPendingReason},
		"range changed":          {func(s *scope) { s.candidate.Spec.Policy.SemVer.Range = ">=1.4.0" }, v1alpha1.ScanPendingReason},
		"chart changed":          {func(s *scope) { s.candidate.Spec.ImageRepositoryRef.Name = "old" }, v1alpha1.ScanPendingReason},
		"suspended":              {func(s *scope) { s.candidate.Spec.Suspend = true }, v1alpha1.NoCandidateReason},
		"not looked at":          {func(s *scope) { s.candidate.Generation++ }, v1alpha1.ScanPendingReason},
		"nothing fits":           {func(s *scope) { s.candidate.Status.Conditions[0].Status = metav1.ConditionFalse }, v1alpha1.NoCandidateReason},
		"nothing fits again":     {func(s *scope) { nothingFits(s); handleToken(s) }, v1alpha1.NoCandidateReason},
		"nothing fitted before":  {func(s *scope) { nothingFits(s) }, v1alpha1.ScanPendingReason},
		"a version is blocked":   {func(s *scope) { s.ledger.Blocked = []pin.Blocked{{Tag: "1.6.0"}} }, v1alpha1.ScanPendingReason},
		"blocked and left out":   {leaveOut("1.6.0"), ""},
		"in progress":            {func(s *scope) { s.candidate.Status.Conditions[0].Status = metav1.ConditionUnknown }, ""},
		"no tag":                 {func(s *scope) { s.candidate.Status.LatestRef = nil }, v1alpha1.ScanPendingReason},
		"tag outside the range":  {func(s *scope) { s.candidate.Status.LatestRef.Tag = "2.0.0" }, v1alpha1.NoCandidateReason},
		"tag that is excluded":   {func(s *scope) { s.candidate.Status.LatestRef.Tag = "1.4.3" }, v1alpha1.NoCandidateReason},
		"tag that is no version": {func(s *scope) { s.candidate.Status.LatestRef.Tag = "latest" }, v1alpha1.NoCandidateReason},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeWithCandidate(t, tag)
			test.edit(&s)
			got := s.candidateInput()
			if got.Reason != test.reason || (got.Tag == tag) != (test.reason == "") || (got.Message == "") != (test.reason == "") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// nothingFits is what Flux says of a range in which there is nothing after another in which there was nothing.
func nothingFits(s *scope) {
	s.candidate.Generation++
	s.candidate.Status.Conditions[0].Status = metav1.ConditionFalse
}

func handleToken(s *scope) {
	s.candidate.Status.SetLastHandledReconcileRequest(s.candidate.Annotations[meta.ReconcileRequestAnnotation])
}

// leaveOut blocks a version, of which the candidate knows.
func leaveOut(version string) func(*scope) {
	return func(s *scope) {
		s.ledger.Blocked = []pin.Blocked{{Tag: version}}
		s.candidate.Spec.Policy.SemVer.Range = ">=1.0.0 <2.0.0 !=1.4.3 !=" + version
	}
}

func scopeWithCandidate(t *testing.T, tag string) scope {
	t.Helper()
	policy := &v1alpha1.AppUpgradePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "policy"}}
	policy.Spec.Versions = v1alpha1.Versions{Range: ">=1.0.0 <2.0.0", Exclude: []string{"1.4.3"}}
	s := scope{policy: policy, chart: fluxobjects.ChartOf("oci://example.com/hello", nil), found: resolve.Result{}}
	s.scan = fluxobjects.Scan("default", s.chart, fluxobjects.DefaultInterval)
	s.scan.Generation = 1
	s.scan.Status.LastScanResult = &imagev1.ScanResult{TagCount: 1}
	candidate, err := s.wantedCandidate(s.scanName(), 0, pin.Ledger{})
	must(t, err)
	candidate.Generation, candidate.Status.ObservedGeneration = 1, 1
	candidate.Status.LatestRef = &imagev1.ImageRef{Tag: tag}
	candidate.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionTrue, ObservedGeneration: 1}}
	s.candidate = candidate
	return s
}

func TestCandidateScan(t *testing.T) {
	made := livePin{object: &imagev1.ImagePolicy{}}
	made.object.Spec.ImageRepositoryRef.Name = "of-pins"
	for name, test := range map[string]struct {
		edit func(*scope)
		want string
	}{
		"scanned":                        {func(*scope) {}, "chart"},
		"scanned for the first time":     {func(s *scope) { s.candidate = nil }, "chart"},
		"not scanned yet":                {func(s *scope) { s.scan.Status.LastScanResult = nil }, "of-candidate"},
		"chart not known":                {func(s *scope) { s.chart, s.scan = fluxobjects.Chart{}, nil }, "of-candidate"},
		"no candidate, chart not known":  {func(s *scope) { s.chart, s.scan, s.candidate = fluxobjects.Chart{}, nil, nil }, "of-pins"},
		"nothing to set free":            {func(s *scope) { s.scan, s.candidate, s.pins = nil, nil, nil }, ""},
		"nothing to set free, not there": {func(s *scope) { s.scan.Status.LastScanResult, s.candidate, s.pins = nil, nil, nil }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := scopeWithCandidate(t, "1.5.0")
			if test.want == "chart" {
				test.want = s.scanName()
			}
			s.candidate.Spec.ImageRepositoryRef.Name = "of-candidate"
			s.pins = map[string]livePin{"pin.app.one": made}
			test.edit(&s)
			if got := s.candidateScan(); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func failScan(s *scope) {
	s.scan.Status.Conditions = []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Message: "no"}}
}

func TestScanProblem(t *testing.T) {
	for name, test := range map[string]struct {
		edit func(*scope)
		want string
	}{
		"none":      {func(*scope) {}, ""},
		"no object": {func(s *scope) { s.scan = nil }, v1alpha1.ScanPendingReason},
		"failed":    {func(s *scope) { failScan(s) }, v1alpha1.ScanFailedReason},
		"suspended": {func(s *scope) { s.scan.Spec.Suspend = true }, v1alpha1.ScanFailedReason},
	} {
		s := scopeWithCandidate(t, "1.5.0")
		test.edit(&s)
		if got, message := scanProblem(s.scan, "scan"); got != test.want || (message == "") != (test.want == "") {
			t.Errorf("%s: got %q, %q", name, got, message)
		}
	}
}
