package markers

import (
	"bytes"
	"slices"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// SetOnly says whether the content after is the one before but for values at markers, each of which admits lets stand there, and for
// the layout that Flux may have given the file.
func SetOnly(name string, before, after []byte, admits func(ref Ref, value string) bool) bool {
	if checkSize(name, before) != nil || checkSize(name, after) != nil || !fluxReads(name) {
		return false
	}
	if !setMarkers(name, before, after, admits) {
		return false
	}
	left, leftErr := rewriteWith(before, blank)
	right, rightErr := rewriteWith(after, blank)
	if leftErr != nil || rightErr != nil || bytes.Equal(left, right) {
		return leftErr == nil && rightErr == nil
	}
	// What Flux has written once it may still write otherwise the next time: the library moves some blank lines twice.
	again, err := rewriteWith(left, blank)
	return err == nil && bytes.Equal(again, right)
}

// setMarkers says whether the content after has the markers of the one before, and there are some.
func setMarkers(name string, before, after []byte, admits func(ref Ref, value string) bool) bool {
	was, p := markersIn(name, before)
	is, q := markersIn(name, after)
	return p == nil && q == nil && len(was) > 0 &&
		slices.EqualFunc(was, is, func(old, now marked) bool { return set(old.found, now.found, admits) })
}

// set says whether a marker stays as it is, with the value that it had or one that is admitted.
func set(old, now Found, admits func(ref Ref, value string) bool) bool {
	return old.Ref == now.Ref && old.Suffix == now.Suffix && (old.Value == now.Value || admits(now.Ref, now.Value))
}

// blank takes the value away that a marker is for.
func blank(scalar *yaml.Node) {
	if _, _, ok := parseComment(commentOf(scalar)); ok {
		scalar.Value, scalar.Style, scalar.Tag = "", 0, yaml.NodeTagString
	}
}
