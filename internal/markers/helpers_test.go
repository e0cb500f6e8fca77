package markers

import (
	"maps"
	"regexp"
	"slices"
	"testing/fstest"

	"pgregory.net/rapid"
)

// commentsOut matches a marker with the blanks before it.
var commentsOut = regexp.MustCompile(`(?m)[ \t]*#[^\n\r]*imagepolicy[^\n\r]*`)

func mapFS(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, content := range files {
		m[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
	}
	return m
}

// firstVersion finds the first value that looks like one to be marked.
func firstVersion(name string, content []byte) (Location, bool) {
	at, found := Location{}, false
	for _, doc := range parseFile(name, content, nil).docs {
		if doc.root == nil {
			continue
		}
		sites(doc.root, func(s site) bool {
			switch s.value() {
			case "1.4.2", "1.5.0", "2.0.0", "":
				at = Location{File: name, Document: doc.index, Line: doc.line(s.node), Column: s.node.Column, Value: s.value()}
				found = true
			}
			return !found
		})
		if found {
			break
		}
	}
	return at, found
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }

// liveMarkers are those of a file that is within the bounds.
func liveMarkers(t rapid.TB, name string, content []byte) []marked {
	t.Helper()
	all, p := markersIn(name, content)
	if p != nil {
		t.Fatal(p)
	}
	return all
}
