package resolve

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"github.com/go-git/go-git/v5/plumbing"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
)

// PushOf is how a policy wants versions to be pushed; nil: to the branch that the GitRepository tracks, without options.
func PushOf(push *v1alpha1.Push) pin.Push {
	if push == nil {
		return pin.Push{}
	}
	options := make(map[string]string, len(push.Options))
	for key, value := range push.Options {
		options[key] = string(value)
	}
	return pin.Push{Branch: push.Branch, Options: pin.OptionsOf(options)}
}

// Pushable is a finding unless policies of a namespace, which may use the GitRepository and the branch that it tracks, may push
// so. Those of another namespace push with credentials that are not theirs, so each branch and option is granted by annotations.
// Who is about to push asks again, as with Usable: what a pin says was not seen by the API's validation.
func Pushable(repository *sourcev1.GitRepository, tracked, namespace string, push pin.Push) *pin.Finding {
	if push.Branch != "" && plumbing.NewBranchReferenceName(push.Branch).Validate() != nil {
		return finding(v1alpha1.PushForbiddenReason, "git.push.branch %q cannot be the name of a branch: choose another, see git check-ref-format", push.Branch)
	}
	if push.Branch == tracked {
		return finding(v1alpha1.PushForbiddenReason,
			"git.push.branch is %s, which GitRepository %s/%s tracks, so nobody would have to merge what is pushed there: name another branch, or leave it out",
			push.Branch, repository.Namespace, repository.Name)
	}
	if below(push.Branch, tracked) || below(tracked, push.Branch) {
		return finding(v1alpha1.PushForbiddenReason,
			"git.push.branch %s cannot be beside %s, which GitRepository %s/%s tracks: Git has no branch below another. Choose another name",
			push.Branch, tracked, repository.Namespace, repository.Name)
	}
	if repository.Namespace == namespace {
		return nil
	}
	var lacking, grants []string
	for _, asked := range []struct {
		field, annotation string
		of                []string
	}{
		{"git.push.branch", v1alpha1.AllowPushBranchesAnnotation, branchesOf(push)},
		{"git.push.options", v1alpha1.AllowPushOptionsAnnotation, slices.Sorted(maps.Keys(push.Options.Map()))},
	} {
		allowed := listed(repository.Annotations[asked.annotation])
		more := slices.DeleteFunc(asked.of, func(name string) bool { return granted(allowed, name) })
		if len(more) > 0 {
			lacking = append(lacking, fmt.Sprintf("%s %s", asked.field, strings.Join(more, ", ")))
			grants = append(grants, listing(asked.annotation, allowed, more...))
		}
	}
	if len(lacking) == 0 {
		return nil
	}
	return finding(v1alpha1.PushForbiddenReason,
		"GitRepository %s/%s does not allow policies of other namespaces the %s. To allow it: %s",
		repository.Namespace, repository.Name, strings.Join(lacking, " and "), annotate(repository, grants...))
}

// below: as a file cannot be in a file, Git has no branch a/b beside a.
func below(branch, other string) bool { return strings.HasPrefix(branch, other+"/") }

func branchesOf(push pin.Push) []string {
	if push.Branch == "" {
		return nil
	}
	return []string{push.Branch}
}

// granted says whether a name is one of those allowed. One of these that ends with a star allows every name that begins so.
func granted(allowed []string, name string) bool {
	return slices.ContainsFunc(allowed, func(entry string) bool {
		prefix, open := strings.CutSuffix(entry, "*")
		return entry == name || open && strings.HasPrefix(name, prefix)
	})
}

// listed are the entries of an annotation, which commas separate.
func listed(annotation string) []string {
	var entries []string
	for entry := range strings.SplitSeq(annotation, ",") {
		if entry = strings.TrimSpace(entry); entry != "" {
			entries = append(entries, entry)
		}
	}
	return entries
}
