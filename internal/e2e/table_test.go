package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/giantswarm/app-upgrade-operator/api/v1alpha1"
	"github.com/giantswarm/app-upgrade-operator/hack/local/environment"
)

// What `kubectl get aup` shows, as the API server makes it.
func TestTable(t *testing.T) {
	f := newFleet(t, map[string]string{"one": "1.0.0"})
	startOperator(t, environment.OperatorOptions{})
	f.policy("table", ">=1.0.0", []string{"one"})
	eventually(t, "the App is marked", func() error { return f.marked("one") })
	f.release("1.1.0")
	f.scan()
	eventually(t, "it is upgraded, which the policy knows", func() error {
		if err := f.target("table", "one", inState(v1alpha1.TargetDeployed)); err != nil {
			return err
		}
		return f.upgraded("1.1.0", "one")
	})

	table := f.table()
	var columns []string
	for _, column := range table.ColumnDefinitions {
		if column.Priority == 0 {
			columns = append(columns, strings.ToUpper(column.Name))
		}
	}
	want := []string{"NAME", "CURRENT", "TARGET", "AVAILABLE", "STATE", "READY", "STATUS", "AGE"}
	if diff := cmp.Diff(want, columns); diff != "" {
		t.Fatalf("columns (-want +got):\n%s", diff)
	}
	if len(table.Rows) != 1 {
		t.Fatalf("%d rows, want 1", len(table.Rows))
	}
	row := table.Rows[0].Cells
	if diff := cmp.Diff([]any{"table", "1.1.0", "1.1.0", "1.1.0", "Deployed", "True", "1 of 1 targets run 1.1.0"}, row[:len(row)-1]); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

// table is what the API server answers to a client that asks as kubectl does.
func (f *fleet) table() metav1.Table {
	f.Helper()
	config := env.Cluster.Config()
	client, err := rest.HTTPClientFor(config)
	must(f.T, err)
	url := fmt.Sprintf("%s/apis/%s/namespaces/%s/appupgradepolicies", config.Host, v1alpha1.GroupVersion, f.namespace)
	request, err := http.NewRequestWithContext(f.Context(), http.MethodGet, url, nil)
	must(f.T, err)
	request.Header.Set("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")
	response, err := client.Do(request)
	must(f.T, err)
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		f.Fatalf("GET %s: %s", url, response.Status)
	}
	var table metav1.Table
	must(f.T, json.NewDecoder(response.Body).Decode(&table))
	return table
}
