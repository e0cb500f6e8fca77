package placement

import (
	"fmt"
	"testing"

	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// ociSource is a manifest of two OCIRepositories; the tag of the second one, chart, stands in line 16.
func ociSource(tag string) string {
	return "apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: source\n  namespace: org\nspec:\n  ref: {}\n" +
		"---\napiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata:\n  name: chart\n  namespace: org\nspec:\n  ref:\n    tag: " + tag + "\n"
}

// writtenElsewhere makes a pin that of a HelmRelease whose version is that of the OCIRepository chart.
func writtenElsewhere(p *Pin) {
	p.Intent.Target = pin.Target{APIVersion: "helm.toolkit.fluxcd.io/v2", Kind: "HelmRelease", Namespace: "org", Name: "a", Verbatim: true}
	p.Intent.Written = &pin.Target{
		APIVersion: "source.toolkit.fluxcd.io/v1", Kind: "OCIRepository", Namespace: "org", Name: "chart", Field: []string{"spec", "ref", "tag"},
	}
}

// TestMakeWrittenElsewhere: the version of a target may be written in another object, which several targets may have.
func TestMakeWrittenElsewhere(t *testing.T) {
	const file, line = "mc/chart.yaml", 16
	marked := ociSource(fmt.Sprintf(`v1.0.0 # {"$imagepolicy": "org:pin.app.%s:tag"}`, "a"))
	at := pin.Memory{File: file, Line: line, Git: "v1.0.0", Marked: true}
	for name, tc := range map[string]makeCase{
		"alone": {
			files: map[string]string{file: ociSource("v1.0.0")}, pins: []Pin{pinOf("a", writtenElsewhere)},
			want: outcome{files: map[string]string{file: marked}, placed: []string{"mc/chart.yaml:16"}, memories: map[string]pin.Memory{"pin.app.a": at}},
		},
		"with another of the policy": {
			files: map[string]string{file: ociSource("v1.0.0")}, pins: []Pin{pinOf("a", writtenElsewhere), pinOf("b", writtenElsewhere)},
			want: outcome{
				files: map[string]string{file: marked}, placed: []string{"mc/chart.yaml:16"},
				memories: map[string]pin.Memory{"pin.app.a": at, "pin.app.b": {File: file, Line: line, Git: "v1.0.0", Leader: "pin.app.a"}},
			},
		},
	} {
		t.Run(name, tc.run)
	}
}
