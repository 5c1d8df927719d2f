// Calls the API as the existing dashboards do: a JSON content type on every call, GETs included,
// and neither token nor cookie mentioned anywhere.
const BASE_URL = new URLSearchParams(location.search).get('api') ?? '';

async function request(endpoint, options = {}) {
  const response = await fetch(BASE_URL + endpoint, {
    headers: { 'Content-Type': 'application/json' },
    ...options,
  });
  if (!response.ok) {
    const error = await response.json().catch(() => ({}));
    throw new Error(error.error || `API Error: ${response.status}`);
  }
  return response.json();
}

const getStats = () => request('/api/admin/stats');
const getClients = () => request('/api/admin/clients');
const getToken = (id) => request(`/api/admin/clients/${id}/token`);
const createClient = (name) =>
  request('/api/admin/clients/create', { method: 'POST', body: JSON.stringify({ name }) });

async function show() {
  try {
    const clients = await getClients();
    document.querySelector('#clients').replaceChildren(
      ...clients.map((client) => {
        const item = document.createElement('li');
        item.textContent = client.name;
        return item;
      }),
    );
  } catch (error) {
    document.querySelector('#trouble').textContent = error.message;
  }
}
const shown = show();
