package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/giantswarm/app-upgrade-operator/hack/local/gitserver"
)

const (
	hello10       = `  version: 1.0.0`
	hello10Marked = `  version: 1.0.0 # {"$imagepolicy": "default:pin.app.hello-world:tag"}`
	hello20Marked = `  version: 2.0.0 # {"$imagepolicy": "default:pin.app.hello-world:tag"}`
)

func TestDiffLines(t *testing.T) {
	tests := map[string]struct {
		diff string
		want []line
	}{
		"nothing": {},
		"one line of each of two files": {
			diff: "diff --git a/apps/a.yaml b/apps/a.yaml\nindex 1..2 100644\n--- a/apps/a.yaml\n+++ b/apps/a.yaml\n@@ -3 +3 @@ spec:\n" +
				"-  version: 1.0.0\n+  version: 1.1.0\n" +
				"diff --git a/b.yaml b/b.yaml\nindex 1..2 100644\n--- a/b.yaml\n+++ b/b.yaml\n@@ -1 +1 @@\n-b\n+c\n",
			want: []line{{"apps/a.yaml", "  version: 1.0.0", "  version: 1.1.0"}, {"b.yaml", "b", "c"}},
		},
		"lines that look like a header": {
			diff: "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,2 +1,2 @@\n--- x\n-y\n+++ x\n+z\n",
			want: []line{{"a", "-- x", "++ x"}, {"a", "y", "z"}},
		},
		"more added than removed, in two hunks": {
			diff: "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1,2 @@\n-1\n+2\n+3\n@@ -9 +10,0 @@\n-9\n",
			want: []line{{"a", "1", "2"}, {"a", "", "3"}, {"a", "9", ""}},
		},
		"a new file without an end of line": {
			diff: "diff --git a/a b/a\nnew file mode 100644\nindex 0..1\n--- /dev/null\n+++ b/a\n@@ -0,0 +1 @@\n+1\n\\ No newline at end of file\n",
			want: []line{{"a", "", "1"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, diffLines(test.diff), cmp.AllowUnexported(line{})); diff != "" {
				t.Errorf("lines (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadCommit(t *testing.T) {
	const robot = "app-upgrade-operator <robot@example.com>"
	tests := map[string]struct {
		entry gitserver.Commit
		want  commit
	}{
		"the operator": {
			entry: gitserver.Commit{Author: robot, Message: "Mark 1 version for automatic upgrades"},
			want:  commit{by: byOperator},
		},
		"a human": {
			entry: gitserver.Commit{Author: gitserver.Human, Message: "Take it back"},
			want:  commit{by: byHuman},
		},
		"Flux, whose author the user chose": {
			entry: gitserver.Commit{Author: gitserver.Human, Message: "Upgrade 2 versions\n\nUpgrade-Batch: b1\n" +
				`Upgrade-Change: default:pin.app.hello-world:tag "1.0.0" -> "2.0.0"` + "\n" +
				`Upgrade-Change: default:pin.app.a.b:tag "1" -> "2"`},
			want: commit{by: byFlux, batch: "b1", trailer: map[string]change{"hello-world": {"1.0.0", "2.0.0"}, "a.b": {"1", "2"}}},
		},
		"a batch within a sentence": {
			entry: gitserver.Commit{Author: robot, Message: "Explain Upgrade-Batch: b1"},
			want:  commit{by: byOperator},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.want.Commit = test.entry
			got := readCommit(test.entry, "")
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(commit{}, change{}, line{}), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("commit (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	tests := map[string]struct {
		text, value, marker string
		ok                  bool
	}{
		"plain":           {text: hello10, value: "1.0.0", ok: true},
		"marked":          {text: hello10Marked, value: "1.0.0", marker: hello10Marked[len(hello10):], ok: true},
		"another key":     {text: "  name: 1.0.0"},
		"another depth":   {text: "version: 1.0.0"},
		"another comment": {text: "  version: 1.0.0 # old"},
		"nothing":         {},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			value, marker, ok := version(test.text)
			if value != test.value || marker != test.marker || ok != test.ok {
				t.Errorf("version(%q) = %q, %q, %t", test.text, value, marker, ok)
			}
		})
	}
}
