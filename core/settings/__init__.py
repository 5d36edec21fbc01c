"""What the user chose, from ``config.toml``; every setting has a default, so the file may be missing."""

from core.settings.describe import SettingInfo, config_template, describe_settings
from core.settings.load import load_settings
from core.settings.model import (
    BudgetSettings,
    ChatSettings,
    EndpointSettings,
    GatewaySettings,
    InterfaceSettings,
    LimitSettings,
    McpServerSettings,
    NetworkSettings,
    OfflineSettings,
    ProviderSettings,
    RouteSettings,
    RoutingSettings,
    Settings,
    StorageSettings,
    StrategyName,
    ToolSettings,
    VoiceSettings,
)
from core.settings.save import save_setting

__all__ = (
    "BudgetSettings",
    "ChatSettings",
    "EndpointSettings",
    "GatewaySettings",
    "InterfaceSettings",
    "LimitSettings",
    "McpServerSettings",
    "NetworkSettings",
    "OfflineSettings",
    "ProviderSettings",
    "RouteSettings",
    "RoutingSettings",
    "SettingInfo",
    "Settings",
    "StorageSettings",
    "StrategyName",
    "ToolSettings",
    "VoiceSettings",
    "config_template",
    "describe_settings",
    "load_settings",
    "save_setting",
)
