package fluxobjects

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	automationv1 "github.com/fluxcd/image-automation-controller/api/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

// update rewrites the golden files.
var update = os.Getenv("UPDATE_GOLDEN") != ""

func policy() *v1alpha1.AppUpgradePolicy {
	return &v1alpha1.AppUpgradePolicy{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "hello", UID: "f6f6ef3c"},
		Spec:       v1alpha1.AppUpgradePolicySpec{Versions: v1alpha1.Versions{Range: ">=1.0.0 <2.0.0"}},
	}
}

func TestGolden(t *testing.T) {
	filtered := policy()
	filtered.Spec.Versions.FilterTags = &v1alpha1.FilterTags{Pattern: "^v(.*)$", Extract: "$1"}
	private := &v1alpha1.Chart{
		Provider:           "generic",
		SecretRef:          &v1alpha1.LocalObjectReference{Name: "pull"},
		CertSecretRef:      &v1alpha1.LocalObjectReference{Name: "ca"},
		ProxySecretRef:     &v1alpha1.LocalObjectReference{Name: "proxy"},
		ServiceAccountName: "puller",
		Insecure:           true,
	}
	intent := pin.Intent{
		Target: pin.Target{APIVersion: "application.giantswarm.io/v1alpha1", Kind: "App", Namespace: "default", Name: "prod-hello", Field: []string{"spec", "version"}},
		Source: pin.Source{Repository: pin.NamespacedName{Namespace: "flux", Name: "fleet"}},
		Want:   "1.5.0", Round: 3, Mark: true,
	}
	search := versions.Search{Step: v1alpha1.StepMinor, From: "1.5", Below: "1.6"}
	for name, object := range map[string]any{
		"scan":               Scan("default", ChartOf("oci://registry.example.com/charts/hello/", nil), DefaultInterval),
		"scan-private":       Scan("default", ChartOf("oci://registry.example.com/charts/hello", private), time.Minute),
		"candidate":          Candidate(policy(), "hello-1", ">=1.0.0 <2.0.0 !=1.4.3", 7, pin.Ledger{}),
		"candidate-ledger":   Candidate(policy(), "hello-1", ">=1.0.0 <2.0.0 !=1.4.3", 7, pin.Ledger{Resumes: []string{"again"}}),
		"candidate-filtered": Candidate(filtered, "hello-1", ">=1.0.0 <2.0.0", 0, pin.Ledger{}),
		"step":               Step(policy(), "hello-1", ">=1.0.0 <2.0.0 >=1.5.0 <1.6.0", "1.4", search),
		"step-filtered":      Step(filtered, "hello-1", ">=1.0.0 <2.0.0 >=1.5.0 <1.6.0", "1.4", search),
		"pin":                Pin(policy(), intent, pin.Upgrade{}, "hello-1", "0123456789abcdef"),
		"pin-upgrade":        Pin(policy(), intent, pin.Upgrade{From: "1.4.0", To: "1.5.0"}, "hello-1", "0123456789abcdef"),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := yaml.Marshal(object)
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", name+".golden.yaml")
			if update {
				if err := os.WriteFile(file, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" {
				t.Errorf("differs from %s (set UPDATE_GOLDEN=1 to rewrite it):\n%s", file, diff)
			}
		})
	}
}

func TestScanName(t *testing.T) {
	base := ChartOf("oci://registry.example.com/charts/hello", nil)
	name := ScanName("default", base)
	if !regexp.MustCompile(`^hello-[0-9a-f]{16}$`).MatchString(name) {
		t.Errorf("name is %q", name)
	}
	secret := &v1alpha1.LocalObjectReference{Name: "s"}
	for what, other := range map[string]Chart{
		"url":      ChartOf("oci://registry.example.com/other/hello", nil),
		"provider": ChartOf(base.URL, &v1alpha1.Chart{Provider: "aws"}),
		"secret":   ChartOf(base.URL, &v1alpha1.Chart{SecretRef: secret}),
		"cert":     ChartOf(base.URL, &v1alpha1.Chart{CertSecretRef: secret}),
		"proxy":    ChartOf(base.URL, &v1alpha1.Chart{ProxySecretRef: secret}),
		"account":  ChartOf(base.URL, &v1alpha1.Chart{ServiceAccountName: "s"}),
		"insecure": ChartOf(base.URL, &v1alpha1.Chart{Insecure: true}),
	} {
		if ScanName("default", other) == name {
			t.Errorf("another %s shares the scan", what)
		}
	}
	if ScanName("other", base) == name {
		t.Error("another namespace has the same name")
	}
	for what, same := range map[string]Chart{
		"slash":    ChartOf(base.URL+"/", nil),
		"interval": ChartOf(base.URL, &v1alpha1.Chart{Interval: &metav1.Duration{Duration: time.Minute}}),
		"default":  ChartOf(base.URL, &v1alpha1.Chart{Provider: "generic"}),
		"url":      ChartOf(base.URL, &v1alpha1.Chart{URL: "oci://not/this"}),
	} {
		if ScanName("default", same) != name {
			t.Errorf("%s should not matter", what)
		}
	}
}

// Commits that look different, or are signed differently, are those of different automations. Automations keep their names
// from one release to the next, else all would be made anew.
func TestAutomationOfSigningKey(t *testing.T) {
	settings := func(signing pin.Signing) AutomationSettings {
		return AutomationSettings{
			Namespace: "default", Repository: pin.NamespacedName{Namespace: "flux", Name: "fleet"}, RepositoryKey: "0123456789abcdef", Branch: "main",
			Commit: pin.Commit{AuthorName: "Fleet", Signing: signing},
		}
	}
	plain := Automation(settings(pin.Signing{}))
	if plain.Name != "fleet-9c0e5d2951555786" {
		t.Errorf("an automation without a key is named %s", plain.Name)
	}
	names := map[string]bool{plain.Name: true}
	types := map[string]automationv1.SigningKeyType{"gpg": "", "ssh": automationv1.SigningKeyTypeSSH} // gpg is Flux's default
	for _, signing := range []pin.Signing{{Type: "gpg", Secret: "a"}, {Type: "ssh", Secret: "a"}, {Type: "gpg", Secret: "b"}} {
		automation := Automation(settings(signing))
		names[automation.Name] = true
		if key := automation.Spec.GitSpec.Commit.SigningKey; key == nil || key.Type != types[signing.Type] || key.SecretRef.Name != signing.Secret {
			t.Errorf("%v: the automation signs with %v", signing, key)
		}
		pruned := automation.DeepCopy()
		pruned.Spec.GitSpec.Commit.SigningKey.Type = ""
		if Drifted(pruned, automation) {
			t.Errorf("%v: a type that the API server of an older Flux drops is drift, and would be written for ever", signing)
		}
		if !Drifted(plain, automation) {
			t.Errorf("%v: a lost key is no drift", signing)
		}
	}
	if len(names) != 4 {
		t.Errorf("%d names, want 4: %v", len(names), names)
	}
}

func TestScanNameIsValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := ScanName("default", Chart{URL: OCIScheme + rapid.String().Draw(t, "url")})
		if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
			t.Fatalf("%q: %s", name, strings.Join(problems, ", "))
		}
	})
}

func TestIntervalOf(t *testing.T) {
	for name, test := range map[string]struct {
		spec *v1alpha1.Chart
		want time.Duration
	}{
		"no chart":    {nil, 10 * time.Minute},
		"no interval": {&v1alpha1.Chart{}, 10 * time.Minute},
		"one minute":  {&v1alpha1.Chart{Interval: &metav1.Duration{Duration: time.Minute}}, time.Minute},
		"none at all": {&v1alpha1.Chart{Interval: &metav1.Duration{}}, 10 * time.Second},
	} {
		if got := IntervalOf(test.spec); got != test.want {
			t.Errorf("%s: got %s, want %s", name, got, test.want)
		}
	}
}
