package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
)

// policyTable is what `kubectl get aup` prints: the API server makes the table.
func policyTable(ctx context.Context, config *rest.Config) (string, error) {
	clients, err := kubernetes.NewForConfig(config)
	if err != nil {
		return "", fmt.Errorf("client for the table of policies: %w", err)
	}
	data, err := clients.Discovery().RESTClient().Get().
		AbsPath("apis", v1alpha1.GroupVersion.Group, v1alpha1.GroupVersion.Version, "namespaces", namespace, "appupgradepolicies").
		SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").
		Do(ctx).Raw()
	if err != nil {
		return "", fmt.Errorf("read the table of policies: %w", err)
	}
	var table metav1.Table
	if err := json.Unmarshal(data, &table); err != nil {
		return "", fmt.Errorf("read the table of policies: %w", err)
	}
	return render(table)
}

// render aligns a table's columns as kubectl does, without those that it shows only when asked for.
func render(table metav1.Table) (string, error) {
	var header []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			header = append(header, strings.ToUpper(column.Name))
		}
	}
	rows := [][]string{header}
	for _, row := range table.Rows {
		var cells []string
		for i, cell := range row.Cells {
			if i < len(table.ColumnDefinitions) && table.ColumnDefinitions[i].Priority == 0 {
				cells = append(cells, cellText(cell))
			}
		}
		rows = append(rows, cells)
	}
	return align(rows)
}

func align(rows [][]string) (string, error) {
	const minWidth, tabWidth, padding = 6, 4, 3
	var text strings.Builder
	w := tabwriter.NewWriter(&text, minWidth, tabWidth, padding, ' ', 0)
	for _, cells := range rows {
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := w.Flush(); err != nil {
		return "", fmt.Errorf("align a table: %w", err)
	}
	return text.String(), nil
}

// memoryTable is what a policy's status says of blocked versions and of the past, the newest first.
func memoryTable(status v1alpha1.AppUpgradePolicyStatus) (string, error) {
	rows := [][]string{{"BLOCKED", "WAVE", "WHY"}}
	for _, b := range status.Blocked {
		rows = append(rows, []string{b.Version, b.Wave, b.Message})
	}
	blocked, err := align(rows)
	if err != nil {
		return "", err
	}
	rows = [][]string{{"HISTORY", "WAVE", "FROM", "TO", "RESULT", "APPROVED", "COMMIT"}}
	for _, e := range status.History {
		kind := "upgrade"
		if e.Rollback {
			kind = "rollback"
		}
		rows = append(rows, []string{kind, e.Wave, e.From, e.To, e.Result, strconv.FormatBool(e.Approved), e.Commit[:min(7, len(e.Commit))]})
	}
	history, err := align(rows)
	return blocked + "\n" + history, err
}

func cellText(cell any) string {
	if cell == nil {
		return ""
	}
	return fmt.Sprint(cell)
}
