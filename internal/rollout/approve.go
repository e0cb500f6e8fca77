package rollout

import (
	"fmt"
	"slices"
	"strings"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/internal/message"
	"github.com/giantswarm/app-upgrade-operator/internal/pin"
	"github.com/giantswarm/app-upgrade-operator/internal/versions"
)

const (
	approvalUnknown = v1alpha1.ApprovalUnknownReason
	checkUnreadable = v1alpha1.CheckUnreadableReason
)

// approve notes the approval of the annotation, `[<wave>=]<version>`, if the version is on offer. One that was noted before
// does nothing again.
func (r *run) approve() {
	text := strings.TrimSpace(r.in.Policy.Approve)
	if text == "" || r.candidate == "" {
		return
	}
	wave, version, named := strings.Cut(text, "=")
	if !named {
		wave, version = "", text
	}
	wave, version = strings.TrimSpace(wave), strings.TrimSpace(version)
	if r.approved(wave, version) {
		return
	}
	if why := r.refuses(wave, version); why != "" {
		r.problem(approvalUnknown, fmt.Sprintf("The annotation %s %q does nothing: %s", v1alpha1.ApproveAnnotation, shortened(text), why))
		return
	}
	r.ledger.Approvals = last(append(r.ledger.Approvals, pin.Approval{Wave: wave, Version: version, At: r.now()}), pin.MaxApprovals)
}

func (r *run) approved(wave, version string) bool {
	return slices.ContainsFunc(r.ledger.Approvals, func(a pin.Approval) bool {
		return a.Wave == wave && versions.Same(a.Version, version)
	})
}

// refuses says why an approval means nothing.
func (r *run) refuses(waveName, version string) string {
	var names []string
	for _, w := range r.waves {
		names = append(names, w.Name)
	}
	if !slices.Contains(names, waveName) {
		if len(names) == 1 && names[0] == "" {
			return fmt.Sprintf("the policy has no waves, write %q", version)
		}
		return fmt.Sprintf("name one of the waves %s, as in %q", strings.Join(names, ", "), names[len(names)-1]+"="+version)
	}
	oldest := r.oldestInGit()
	for _, o := range r.offers {
		if versions.Same(o.version, version) && (oldest == nil || o.parsed.GreaterThan(oldest)) {
			return ""
		}
	}
	return fmt.Sprintf("version %s is none that is on offer and newer than what Git has, the newest one is %s", shortened(version), r.candidate)
}

// shortened bounds what others wrote.
func shortened(text string) string { return message.Bounded(text, 128) }
