#pragma once
// Tells systemd how a service is: the protocol of sd_notify(3), where NOTIFY_SOCKET says so.

#include <string_view>

namespace cmem::tools {

/// E.g. "READY=1" or "STOPPING=1". Nothing happens without a service manager.
void tell_service_manager(std::string_view state) noexcept;

} // namespace cmem::tools
