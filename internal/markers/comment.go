package markers

import (
	"encoding/json"
	"net/url"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/kyaml/yaml"
)

const (
	// shortHand is the key of a marker.
	shortHand = "$imagepolicy"
	// token is what Flux looks for before it parses a file at all.
	token = `"` + shortHand + `"`
	// definitionsPrefix precedes a setter's name in a full `$ref` marker.
	definitionsPrefix = "#/definitions/io.k8s.cli.setters."
)

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
)

func (r Ref) valid() bool {
	return dnsLabel.MatchString(r.Namespace) && dnsSubdomain.MatchString(r.Policy)
}

// Comment is the marker as it stands in a file, from its '#'. Place puts one
// space before it.
func (r Ref) Comment() string { return "# {" + token + `: "` + r.String() + `"}` }

// commentOf returns the comment that Flux's setter reads at a scalar: the one
// on its line, or else the one above it, which only list items can have.
func commentOf(scalar *yaml.Node) string {
	if scalar.LineComment != "" {
		return scalar.LineComment
	}
	return scalar.HeadComment
}

// parseComment reads a comment as Flux does: nothing but a JSON object may
// follow the '#'. ok is false for what Flux takes for an ordinary comment.
func parseComment(comment string) (ref Ref, suffix string, ok bool) {
	text := []byte(strings.TrimLeft(comment, "#"))
	short := map[string]string{}
	if json.Unmarshal(text, &short) == nil && short[shortHand] != "" {
		if ref, suffix, ok = parseSetter(definitionsPrefix + short[shortHand]); ok {
			return ref, suffix, true
		}
	}
	var full struct {
		Ref string `json:"$ref"`
	}
	if json.Unmarshal(text, &full) != nil {
		return Ref{}, "", false
	}
	return parseSetter(full.Ref)
}

// parseSetter takes the reference of a setter apart. Flux resolves it as a URL
// whose fragment is a JSON pointer, so it may be escaped.
func parseSetter(reference string) (ref Ref, suffix string, ok bool) {
	u, err := url.Parse(reference)
	if err != nil {
		return Ref{}, "", false
	}
	name, found := strings.CutPrefix("#"+u.Fragment, definitionsPrefix)
	if !found {
		return Ref{}, "", false
	}
	parts := strings.Split(name, ":")
	if len(parts) == 3 {
		suffix = parts[2]
	}
	if len(parts) < 2 || len(parts) > 3 || len(parts) == 3 && !knownSuffix(suffix) {
		return Ref{}, "", false
	}
	ref = Ref{Namespace: parts[0], Policy: parts[1]}
	return ref, suffix, ref.valid()
}

func knownSuffix(s string) bool { return s == SuffixTag || s == "name" || s == "digest" }
