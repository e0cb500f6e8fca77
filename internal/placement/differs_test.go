package placement

import (
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// The first marker goes only to a line that says what the cluster has: another one may not be what sets the version.
func TestMakeDiffers(t *testing.T) {
	const file = "mc/a.yaml"
	has := func(version string) func(*Pin) { return func(p *Pin) { p.Intent.Has = version } }
	marks := func(version string) outcome {
		return outcome{
			files: map[string]string{file: app("nginx", with(version, "nginx"))}, placed: []string{file + ":8"},
			memories: map[string]pin.Memory{"pin.app.nginx": markedAt(file, version)},
		}
	}
	leaves := func(version string) outcome {
		return outcome{memories: map[string]pin.Memory{"pin.app.nginx": found(at(file, version), "VersionDiffers")}}
	}
	marked := func(p *Pin) { p.Memory = markedAt(file, "1.0.0") }
	for name, tc := range map[string]struct {
		line string
		pin  []func(*Pin)
		want outcome
	}{
		"the same":                   {"1.0.0", []func(*Pin){has("1.0.0")}, marks("1.0.0")},
		"with a v":                   {"v1.0.0", []func(*Pin){has("1.0.0")}, marks("v1.0.0")},
		"nobody knows":               {"1.0.0", nil, marks("1.0.0")},
		"no version in the line yet": {`""`, []func(*Pin){has("1.0.0")}, outcome{files: map[string]string{file: app("nginx", with(`""`, "nginx"))}, placed: []string{file + ":8"}, memories: map[string]pin.Memory{"pin.app.nginx": markedAt(file, "")}}},
		"the cluster is behind":      {"1.1.0", []func(*Pin){has("1.0.0")}, leaves("1.1.0")},
		"the cluster is ahead":       {"1.0.0", []func(*Pin){has("2.0.0")}, leaves("1.0.0")},
		"a human marks it":           {"1.1.0", []func(*Pin){has("1.0.0"), byHand}, leaves("1.1.0")},
		"it is marked already": {with("1.1.0", "nginx"), []func(*Pin){has("1.0.0"), marked}, outcome{
			memories: map[string]pin.Memory{"pin.app.nginx": markedAt(file, "1.1.0")},
		}},
	} {
		t.Run(name, makeCase{files: map[string]string{file: app("nginx", tc.line)}, pins: []Pin{pinOf("nginx", tc.pin...)}, want: tc.want}.run)
	}
	want := "mc/a.yaml:8 says 1.1.0, and App nginx has 1.0.0 in the cluster, so the line is not marked yet; " +
		"wait until Flux has applied it, or look what else sets the version"
	if got := differs(place{file, 8}, pinOf("nginx", has("1.0.0")), "1.1.0").Message; got != want {
		t.Errorf("the message is %q, want %q", got, want)
	}
}
