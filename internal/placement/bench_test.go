package placement

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/giantswarm/app-upgrade-operator/internal/markers"
)

// fleets are ways to write the same Apps of many clusters, each of which has a Flux Kustomization.
var fleets = map[string]func(files map[string]string, clusters, apps int){
	// Every cluster patches the version of every App of one base.
	"patches": func(files map[string]string, clusters, apps int) {
		base(files, apps)
		for c := range clusters {
			var patches strings.Builder
			for a := range apps {
				name := fmt.Sprintf("app-%d.yaml", a)
				fmt.Fprintf(&patches, "- path: %s\n", name)
				files[path.Join(clusterDir(c), name)] = app(fmt.Sprintf("app-%d", a), "1.0.0")
			}
			files[clusterDir(c)+"/kustomization.yaml"] = fmt.Sprintf("resources: [../../base]\nnamePrefix: c%d-\npatches:\n", c) + patches.String()
		}
	},
	// Every cluster has the Apps of one base, and nothing of its own: nothing can be marked.
	"shared": func(files map[string]string, clusters, apps int) {
		base(files, apps)
		for c := range clusters {
			files[clusterDir(c)+"/kustomization.yaml"] = fmt.Sprintf("resources: [../../base]\nnamePrefix: c%d-\n", c)
		}
	},
	// Every cluster has all its Apps in one file.
	"one file": func(files map[string]string, clusters, apps int) {
		for c := range clusters {
			var all []string
			for a := range apps {
				all = append(all, app(fmt.Sprintf("c%d-app-%d", c, a), "1.0.0"))
			}
			files[clusterDir(c)+"/apps.yaml"] = strings.Join(all, "---\n")
		}
	},
	// Every cluster has the versions of its Apps in the variables of one ConfigMap.
	"variables": func(files map[string]string, clusters, apps int) {
		for c := range clusters {
			variables := fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: versions-c%d\n  namespace: flux\ndata:\n", c)
			for a := range apps {
				name := fmt.Sprintf("app-%d", a)
				variables += fmt.Sprintf("  v%d: \"1.0.0\"\n", a)
				files[fmt.Sprintf("%s/%s.yaml", clusterDir(c), name)] = app(fmt.Sprintf("c%d-%s", c, name), fmt.Sprintf("${v%d}", a))
			}
			files[fmt.Sprintf("flux/versions-c%d.yaml", c)] = variables
		}
	},
}

func clusterDir(c int) string { return fmt.Sprintf("clusters/c%d", c) }

func base(files map[string]string, apps int) {
	var resources strings.Builder
	for a := range apps {
		name := fmt.Sprintf("app-%d.yaml", a)
		fmt.Fprintf(&resources, "- %s\n", name)
		files["base/"+name] = app(fmt.Sprintf("app-%d", a), "1.0.0")
	}
	files["base/kustomization.yaml"] = "resources:\n" + resources.String()
}

// countingFS counts the files that are opened.
type countingFS struct {
	fs.FS
	opened map[string]int
}

func (c countingFS) Open(name string) (fs.File, error) {
	c.opened[name]++
	return c.FS.Open(name)
}

func (c countingFS) Lstat(name string) (fs.FileInfo, error)     { return fs.Lstat(c.FS, name) }
func (c countingFS) ReadLink(name string) (string, error)       { return fs.ReadLink(c.FS, name) }
func (c countingFS) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(c.FS, name) }

// BenchmarkVisit is the first visit of a repository: all Apps of all clusters are targets and none has a marker. Per target its
// time and the files that are opened should stay the same, however many clusters and Apps there are.
func BenchmarkVisit(b *testing.B) {
	for name, write := range fleets {
		for _, size := range []struct{ clusters, apps int }{{10, 40}, {50, 40}, {10, 200}} {
			b.Run(fmt.Sprintf("%s/clusters=%d/apps=%d", name, size.clusters, size.apps), func(b *testing.B) {
				files := map[string]string{}
				write(files, size.clusters, size.apps)
				visitFleet(b, files, size.clusters, size.apps, name != "shared")
			})
		}
	}
}

func visitFleet(b *testing.B, files map[string]string, clusters, apps int, markable bool) {
	sources := []markers.Source{kustomizationOf("flux-system", "flux")}
	var pins []Pin
	for c := range clusters {
		source := kustomizationOf(fmt.Sprintf("c%d", c), clusterDir(c))
		source.SubstituteFrom = []markers.Reference{{Kind: "ConfigMap", Name: fmt.Sprintf("versions-c%d", c)}}
		sources = append(sources, source)
		files[fmt.Sprintf("flux/c%d.yaml", c)] = strings.ReplaceAll(manifest(source.Kustomization.Name), "./base", "./"+source.Path)
		for a := range apps {
			pins = append(pins, pinOf(fmt.Sprintf("c%d-app-%d", c, a), appliedBy(source)))
		}
	}
	tree := countingFS{FS: onDisk(b, files), opened: map[string]int{}}
	for b.Loop() {
		plan, err := Make(tree, "r1", pins, known(pins), sources, nil)
		if err != nil {
			b.Fatal(err)
		}
		if marked := len(plan.Placed) == len(pins); marked != markable || len(plan.Memories) != len(pins) {
			b.Fatal(len(plan.Placed), plan.Memories[pins[0].Key].Finding)
		}
	}
	opened := 0
	for _, n := range tree.opened {
		opened += n
	}
	b.ReportMetric(float64(opened)/float64(b.N)/float64(len(files)), "opens/file")
	b.ReportMetric(float64(b.Elapsed())/float64(time.Microsecond)/float64(b.N)/float64(len(pins)), "µs/target")
}

func onDisk(b *testing.B, files map[string]string) fs.FS {
	b.Helper()
	dir := b.TempDir()
	for name, content := range files {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			b.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return os.DirFS(dir)
}
