package reflector

import (
	"testing"
	"time"

	imagev1 "github.com/fluxcd/image-reflector-controller/api/v1"
	"github.com/fluxcd/pkg/apis/meta"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestNextScan(t *testing.T) {
	now := time.Date(2026, time.May, 4, 12, 0, 0, 0, time.UTC)
	tests := map[string]struct {
		change     func(*imagev1.ImageRepository)
		wantReason string
		wantNext   time.Duration
	}{
		"scanned lately": {change: func(*imagev1.ImageRepository) {}, wantNext: 50 * time.Minute},
		"never scanned": {
			change:     func(repo *imagev1.ImageRepository) { repo.Status.LastScanResult = nil },
			wantReason: scanFirst, wantNext: time.Hour,
		},
		"new token": {
			change: func(repo *imagev1.ImageRepository) {
				repo.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "t"}
			},
			wantReason: scanRequested, wantNext: time.Hour,
		},
		"handled token": {
			change: func(repo *imagev1.ImageRepository) {
				repo.Annotations = map[string]string{meta.ReconcileRequestAnnotation: "t"}
				repo.Status.SetLastHandledReconcileRequest("t")
			},
			wantNext: 50 * time.Minute,
		},
		"another image": {
			change:     func(repo *imagev1.ImageRepository) { repo.Status.CanonicalImageName = "example.com/other" },
			wantReason: scanNewImage, wantNext: time.Hour,
		},
		"other exclusions": {
			change:     func(repo *imagev1.ImageRepository) { repo.Spec.ExclusionList = []string{"x"} },
			wantReason: scanNewExclusions, wantNext: time.Hour,
		},
		"tags are gone": {
			change: func(repo *imagev1.ImageRepository) {
				repo.Spec.Image = "example.com/forgotten"
				repo.Status.CanonicalImageName = "example.com/forgotten"
			},
			wantReason: scanEmptyDatabase, wantNext: time.Hour,
		},
		"the interval is over": {
			change: func(repo *imagev1.ImageRepository) {
				repo.Status.LastScanResult.ScanTime = metav1.NewTime(now.Add(-time.Hour))
			},
			wantReason: scanIntervalPassed, wantNext: time.Hour,
		},
		"less than a second is left": {
			change: func(repo *imagev1.ImageRepository) {
				repo.Status.LastScanResult.ScanTime = metav1.NewTime(now.Add(-time.Hour + time.Millisecond))
			},
			wantReason: scanIntervalPassed, wantNext: time.Hour,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &Reflector{Tags: NewTags()}
			if _, err := r.Tags.Store("example.com/chart", []string{"1.0.0"}); err != nil {
				t.Fatal(err)
			}
			repo := &imagev1.ImageRepository{
				Spec: imagev1.ImageRepositorySpec{Image: "example.com/chart", Interval: metav1.Duration{Duration: time.Hour}},
				Status: imagev1.ImageRepositoryStatus{
					CanonicalImageName:    "example.com/chart",
					ObservedExclusionList: []string{`^.*\.sig$`},
					LastScanResult:        &imagev1.ScanResult{ScanTime: metav1.NewTime(now.Add(-10 * time.Minute))},
				},
			}
			tt.change(repo)
			ref, err := parseImage(repo)
			if err != nil {
				t.Fatal(err)
			}
			reason, next := r.nextScan(repo, ref.Context(), now)
			if reason != tt.wantReason || next != tt.wantNext {
				t.Errorf("reason %q, next %s; want %q, %s", reason, next, tt.wantReason, tt.wantNext)
			}
		})
	}
}

func TestTagsShareAnImage(t *testing.T) {
	tags := NewTags()
	first, err := tags.Store("example.com/chart", []string{"1.1.0", "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	again, err := tags.Store("example.com/chart", []string{"1.1.0", "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := tags.Store("example.com/chart", []string{"1.2.0"})
	if err != nil {
		t.Fatal(err)
	}
	if first != again || first == other {
		t.Errorf("revisions %s, %s, %s: want the first two to be equal", first, again, other)
	}
	if diff := cmp.Diff([]string{"1.2.0"}, tags.Of("example.com/chart")); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if got := tags.Of("example.com/none"); len(got) != 0 {
		t.Errorf("tags %v of an image that was never scanned", got)
	}
}
