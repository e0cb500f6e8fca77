package markers

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// Overlay is a change of the repository that gives one object a line of its own
// for its version, and changes nothing of what is built.
type Overlay struct {
	// Kustomization is the kustomization file that gets the patch, Entry
	// what to add to its patches, and Content the file with it; Content is
	// empty where the list cannot be extended in place.
	Kustomization, Entry, Content string
	// Patch is a new file, a strategic merge patch, and PatchContent what it
	// says.
	Patch, PatchContent string
}

// maxTried bounds the work of trying overlays, which builds a source anew for
// each: a second or two, and the last build.
const maxTried = 16 << 20

// ErrEnough is the error of Overlay once so much was tried for other users that
// no more is.
var ErrEnough = errors.New("enough overlays were tried in this repository")

// Overlay offers what would give a user of the line a line of its own. It is
// not ok where only the owner of the files can tell how: for a variable, and
// if others of the same name come through every kustomization that the user
// comes through. What is offered was tried; after too much of that the error is
// ErrEnough.
func (s *Survey) Overlay(user User, at Location) (offer Overlay, ok bool, err error) {
	if at.Variable != "" {
		return Overlay{}, false, nil
	}
	if s.tried >= maxTried {
		return Overlay{}, false, ErrEnough
	}
	uses, err := s.usesOf(user.Target, at)
	if err != nil {
		return Overlay{}, false, err
	}
	mine := slices.IndexFunc(uses, func(u use) bool { return reflect.DeepEqual(u.User, user) })
	if mine < 0 || uses[mine].unsure {
		return Overlay{}, false, nil
	}
	others := slices.Delete(slices.Clone(uses), mine, mine+1)
	for _, step := range slices.Backward(uses[mine].trail) {
		if !step.servesAny(others) {
			return s.offer(uses[mine], step, at.Value)
		}
	}
	return Overlay{}, false, nil
}

// servesAny reports whether a patch at this step would change others.
func (at step) servesAny(others []use) bool {
	return slices.ContainsFunc(others, func(u use) bool {
		return slices.ContainsFunc(u.trail, func(s step) bool { return s.dir == at.dir && s.same(at.identity) })
	})
}

// offer writes the overlay, and tries it.
func (s *Survey) offer(u use, at step, value string) (offer Overlay, ok bool, err error) {
	name, err := s.unusedName(at.dir, u.Target)
	if name == "" || err != nil {
		return Overlay{}, false, err
	}
	offer = Overlay{Kustomization: at.file, Entry: "- path: " + path.Base(name) + "\n", Patch: name, PatchContent: patchOf(u.Target, at.identity, value)}
	content, err := s.repo.read(at.file)
	if err != nil {
		return Overlay{}, false, err
	}
	offer.Content = string(withPatch(at.file, content, offer.Entry))
	if offer.Content == "" {
		return offer, true, nil
	}
	ok, err = s.works(offer, u)
	return offer, ok, err
}

// unusedName is a new file of a folder; empty if all that come to mind exist.
func (s *Survey) unusedName(dir string, t Target) (string, error) {
	base := "version-" + strings.ToLower(t.Kind) + "-" + strings.Map(fileRune, t.Name)
	for _, name := range []string{base + ".yaml", base + "-2.yaml", base + "-3.yaml"} {
		name = path.Join(dir, name)
		_, err := s.repo.stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		if err != nil && !isProblem(err) {
			return "", err
		}
	}
	return "", nil
}

// fileRune keeps what is harmless in the name of a file: that of an object may
// still have variables in it.
func fileRune(r rune) rune {
	if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' {
		return r
	}
	return -1
}

// patchOf is a strategic merge patch that sets the version of the object which
// has the identity.
func patchOf(t Target, id identity, value string) string {
	metadata := map[string]any{"name": id.name}
	if id.namespace != "" {
		metadata["namespace"] = id.namespace
	}
	patch := map[string]any{"apiVersion": t.APIVersion, "kind": t.Kind, "metadata": metadata}
	at := patch
	for i, key := range t.Field {
		if i == len(t.Field)-1 {
			at[key] = value
			break
		}
		next := map[string]any{}
		at[key], at = next, next
	}
	text, err := sigsyaml.Marshal(patch)
	if err != nil {
		panic(fmt.Sprintf("markers: %v", err)) // maps of text only: cannot happen
	}
	return string(text)
}

// withPatch adds an entry at the end of a kustomization's patches and touches
// nothing else; nil if it has no such place.
func withPatch(name string, content []byte, entry string) []byte {
	f := parseFile(name, content, nil)
	if f.unreadable() != nil || len(f.docs) != 1 || f.more || bytes.Contains(content, []byte("\r")) {
		return nil
	}
	doc := f.docs[0]
	at, text := len(content), "patches:\n"+entry
	if patches := child(doc.root, "patches"); patches != nil {
		if !isBlockList(patches) {
			return nil
		}
		indent := max(0, patches.Content[0].Column-len("- ")-1)
		at, text = itemEnd(doc, patches, content), strings.Repeat(" ", indent)+entry
	}
	if at > 0 && content[at-1] != '\n' {
		text = "\n" + text
	}
	if with := splice(content, at, text); saysWith(name, with, doc.root, entry) {
		return with
	}
	return nil
}

func isBlockList(node *yaml.Node) bool {
	return node.Kind == yaml.SequenceNode && node.Style&yaml.FlowStyle == 0 && len(node.Content) > 0
}

// itemEnd is the offset after the last line of a list in the document's root:
// where the next key, or the blank lines and comments before it, begin.
func itemEnd(doc *document, list *yaml.Node, content []byte) int {
	end := len(content)
	for i := 0; i+1 < len(doc.root.Content); i += 2 {
		key := doc.root.Content[i]
		if key.Line <= list.Line {
			continue
		}
		if before, ok := beforeLF(content, doc.line(key)-1); ok {
			end = min(end, before+1)
		}
	}
	for end > 0 {
		start := bytes.LastIndexByte(content[:end-1], '\n') + 1
		text := strings.TrimSpace(string(content[start:end]))
		if text != "" && text[0] != '#' {
			break
		}
		end = start
	}
	return end
}

// saysWith reports whether content says what root says, and the entry as the
// last of patches.
func saysWith(name string, content []byte, root *yaml.Node, entry string) bool {
	docs := parseFile(name, content, nil).docs
	added, err := yaml.Parse(entry)
	if err != nil || len(docs) != 1 || docs[0].root == nil {
		return false
	}
	after := copyNode(docs[0].root)
	for i := 0; i+1 < len(after.Content); i += 2 {
		if after.Content[i].Value != "patches" {
			continue
		}
		list := copyNode(after.Content[i+1])
		n := len(list.Content)
		if n == 0 || !sameTree(list.Content[n-1], added.YNode().Content[0]) {
			return false
		}
		list.Content = list.Content[:n-1]
		after.Content[i+1] = list
		if n == 1 {
			after.Content = slices.Delete(after.Content, i, i+2)
		}
		return sameTree(after, root)
	}
	return false
}

// works builds the user with the overlay: its version must then stand in the
// patch, which must be about nothing else. Kustomize refuses a patch that names
// two objects, also by a name that one of them had before.
func (s *Survey) works(offer Overlay, u use) (bool, error) {
	repo := *s.view(u.root.Source)
	repo.work = 0
	defer func() { s.tried += repo.work }()
	repo.overlaid = map[string][]byte{offer.Kustomization: []byte(offer.Content), offer.Patch: []byte(offer.PatchContent)}
	built, err := newBuilder(u.Target.kind()).source(&repo, u.root.Source)
	if err != nil {
		return false, ignoreProblem(err)
	}
	by, err := s.manifests.substitution(u.root.Source)
	if err != nil {
		return false, err
	}
	built.substitute(by)
	patched := slices.DeleteFunc(built.objects, func(o *object) bool { return !o.patchedBy(offer.Patch) })
	if len(patched) != 1 || patched[0].name != u.Target.Name || patched[0].namespace != u.Target.Namespace {
		return false, nil
	}
	at := patched[0].lookup(u.Target.Field)
	return at != nil && at.file == offer.Patch && at.blocked == nil, nil
}

func (o *object) patchedBy(file string) bool {
	return slices.ContainsFunc(o.layers, func(l layer) bool {
		m, ok := undoubted(l).(merge)
		return ok && m.file == file
	})
}
