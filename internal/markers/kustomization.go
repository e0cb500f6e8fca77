package markers

import (
	"errors"
	"io/fs"
	"path"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	kustypes "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/yaml"
	sigsyaml "sigs.k8s.io/yaml"
)

// maxKustomization is the largest kustomization file that is read, in bytes.
const maxKustomization = 1 << 20

// kustomization is a parsed kustomization file.
type kustomization struct {
	kustypes.Kustomization
	// file is empty for one that only Flux's own fields make up.
	file string
	// ownPatches counts the patches of the file; the rest are Flux's.
	ownPatches int
	// root gives the lines of what stands in the file.
	root *yaml.Node
	doc  *document
}

// readKustomization reads the kustomization file of a folder; nil if it has
// none. The names are tried in the order in which Flux tries them.
func (r *repository) readKustomization(dir string) (*kustomization, error) {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		name = path.Join(dir, name)
		info, err := r.stat(name)
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
			continue
		}
		if err != nil {
			return nil, err
		}
		if info.Size() > maxKustomization {
			return nil, problem(TooLarge, name, 0, "the kustomization has more than %d MiB, and larger ones are not read; split it", maxKustomization>>20)
		}
		content, err := r.read(name)
		if err != nil {
			return nil, err
		}
		return parseKustomization(name, content)
	}
	return nil, nil
}

func parseKustomization(name string, content []byte) (*kustomization, error) {
	k := &kustomization{file: name}
	f := parseFile(name, content, nil)
	if p := f.unfoldable(); p != nil {
		return nil, p
	}
	if bad := f.unreadable(); bad != nil {
		return nil, problem(Unreadable, name, bad.firstLine, "the kustomization cannot be parsed; correct it")
	}
	if err := sigsyaml.Unmarshal(content, &k.Kustomization); err != nil {
		return nil, problem(Unreadable, name, 0, "the kustomization cannot be parsed (%v); correct it", err)
	}
	k.FixKustomization()
	k.ownPatches = len(k.Patches)
	if len(f.docs) > 0 {
		k.doc, k.root = f.docs[0], f.docs[0].root
	}
	return k, nil
}

// itemLines are the lines of a list's items.
type itemLines []int

// lines are those of the items of a list of the file, or of a key in each.
func (k *kustomization) lines(list, key string) itemLines {
	return k.doc.linesOf(child(k.root, list), key)
}

// linesOf are those of the items of a list, or of a key in each.
func (d *document) linesOf(list *yaml.Node, key string) itemLines {
	items := follow(list)
	if items == nil || items.Kind != yaml.SequenceNode {
		return nil
	}
	lines := make(itemLines, len(items.Content))
	for i, item := range items.Content {
		if value := child(follow(item), key); value != nil {
			item = value
		}
		lines[i] = d.line(item)
	}
	return lines
}

// repeated are n times the line of one item.
func (l itemLines) repeated(i, n int) itemLines { return slices.Repeat(itemLines{l.at(i)}, n) }

// at is 0 for an item that does not stand in the file.
func (l itemLines) at(i int) int {
	if i >= len(l) {
		return 0
	}
	return l[i]
}
