package batch

import "testing"

func TestConflict(t *testing.T) {
	all := func(map[string]string) bool { return true }
	ours := map[string]string{"role": "pin"}
	const says = `ImageUpdateAutomation org/theirs writes every ImagePolicy that it selects in this repository, and would write ` +
		`this version too; limit it with spec.policySelector: SELECTOR`
	for name, tc := range map[string]struct {
		path, file string
		selects    func(map[string]string) bool
		want       string
	}{
		"whole repository":       {path: "", file: "mc/apps/a.yaml", want: says},
		"dot":                    {path: ".", file: "mc/apps/a.yaml", want: says},
		"the folder":             {path: "./mc/apps", file: "mc/apps/a.yaml", want: says},
		"a parent":               {path: "mc/", file: "mc/apps/a.yaml", want: says},
		"another folder":         {path: "./infra", file: "mc/apps/a.yaml"},
		"a name alike":           {path: "./mc/app", file: "mc/apps/a.yaml"},
		"out and back in":        {path: "../mc", file: "mc/apps/a.yaml", want: says},
		"file not known yet":     {path: "./infra", file: "", want: says},
		"selects other policies": {selects: func(labels map[string]string) bool { return labels["role"] == "candidate" }, file: "a.yaml"},
		"selects ours":           {selects: func(labels map[string]string) bool { return labels["role"] == "pin" }, file: "a.yaml", want: says},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.selects == nil {
				tc.selects = all
			}
			f := ForeignAutomation{Key: Key{"org", "theirs"}, Path: tc.path, Selects: tc.selects}
			if got := f.Conflict(tc.file, ours, "SELECTOR"); got != tc.want {
				t.Errorf("Conflict = %q, want %q", got, tc.want)
			}
		})
	}
}
